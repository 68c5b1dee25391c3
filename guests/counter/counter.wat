;; Keeps a count in a global: with `execution.instance: swarm` it goes on from task to task, with `task` it begins anew.
(module
  (global $count (mut i64) (i64.const 0))

  (func (export "increment") (result i64)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (global.get $count))

  (func (export "add") (param $amount i64) (result i64)
    (global.set $count (i64.add (global.get $count) (local.get $amount)))
    (global.get $count))

  ;; Counts, then traps: a kept instance is thrown away after it, and the count with it.
  (func (export "crash")
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (unreachable)))
