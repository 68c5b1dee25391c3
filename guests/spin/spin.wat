;; Burns processor time: to see deadlines, cancelling and the processor share at work.
(module
  ;; Never ends by itself.
  (func (export "spin")
    (loop $forever (br $forever)))

  ;; Ends after so many turns.
  (func (export "spin_for") (param $turns i64) (result i64)
    (local $turn i64)
    (block $done
      (loop $next
        (br_if $done (i64.ge_u (local.get $turn) (local.get $turns)))
        (local.set $turn (i64.add (local.get $turn) (i64.const 1)))
        (br $next)))
    (local.get $turn)))
