;; "Hello, <name>!" by hand: memory, an allocator of ten lines, a log line, and the reply as ptr << 32 | len.
(module
  (import "env" "log" (func $log (param $ptr i32) (param $len i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "Hello, ")
  (global $top (mut i32) (i32.const 16))

  ;; Memory is handed out upwards and never taken back; 0 when it cannot grow any more.
  (func $allocate (export "allocate") (param $len i32) (result i32)
    (local $ptr i32) (local $pages i32)
    (local.set $ptr (global.get $top))
    ;; Pages missing for [ptr, ptr + len), counted in 64 bits so that the sum cannot wrap.
    (local.set $pages (i32.sub
      (i32.wrap_i64 (i64.shr_u
        (i64.add
          (i64.add (i64.extend_i32_u (local.get $ptr)) (i64.extend_i32_u (local.get $len)))
          (i64.const 65535))
        (i64.const 16)))
      (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1))
        (then (return (i32.const 0))))))
    (global.set $top (i32.add (local.get $ptr) (local.get $len)))
    (local.get $ptr))

  (func (export "greet") (param $name i32) (param $len i32) (result i64)
    (local $reply i32) (local $size i32)
    (local.set $size (i32.add (local.get $len) (i32.const 8)))
    (local.set $reply (call $allocate (local.get $size)))
    (if (i32.eqz (local.get $reply)) (then (unreachable)))
    (memory.copy (local.get $reply) (i32.const 0) (i32.const 7))
    (memory.copy (i32.add (local.get $reply) (i32.const 7)) (local.get $name) (local.get $len))
    (i32.store8 (i32.add (local.get $reply) (i32.sub (local.get $size) (i32.const 1))) (i32.const 33)) ;; "!"
    (call $log (local.get $reply) (local.get $size))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $reply)) (i64.const 32))
      (i64.extend_i32_u (local.get $size)))))
