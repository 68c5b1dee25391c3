;; Fibonacci numbers, the slow way and the fast way.
(module
  ;; Calls itself for every number below: a load for benchmarks. Exact up to fib(46).
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else (i32.add
        (call $fib (i32.sub (local.get $n) (i32.const 1)))
        (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

  ;; One addition for each step. Exact up to fib_fast(92).
  (func (export "fib_fast") (param $n i32) (result i64)
    (local $last i64) (local $next i64)
    (local.set $next (i64.const 1))
    (block $done
      (loop $step
        (br_if $done (i32.eqz (local.get $n)))
        (i64.add (local.get $last) (local.get $next))
        (local.set $last (local.get $next))
        (local.set $next)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $step)))
    (local.get $last)))
