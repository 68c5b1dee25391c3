;; The three-argument form of `env.log`: a level, 0 trace, 1 debug, 2 info, 3 warn, 4 error, and the text.
(module
  (import "env" "log" (func $log (param $level i32) (param $ptr i32) (param $len i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "level 0" "level 1" "level 2" "level 3" "level 4")

  ;; Logs one line at every level.
  (func (export "log_levels")
    (local $level i32)
    (loop $next
      (call $log (local.get $level) (i32.mul (local.get $level) (i32.const 7)) (i32.const 7))
      (local.set $level (i32.add (local.get $level) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $level) (i32.const 5)))))

  ;; Logs the input as a warning. There is no allocator: the host brings the memory for it.
  (func (export "warn") (param $ptr i32) (param $len i32)
    (call $log (i32.const 3) (local.get $ptr) (local.get $len))))
