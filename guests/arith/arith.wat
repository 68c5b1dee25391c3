;; Scalar tasks of every number type. The parameters have names, so they can be given by name: {"a": 2, "b": 3}.
(module
  (func (export "answer") (result i32)
    (i32.const 42))

  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))

  (func (export "multiply") (param $a i64) (param $b i64) (result i64)
    (i64.mul (local.get $a) (local.get $b)))

  (func (export "celsius") (param $fahrenheit f32) (result f32)
    (f32.div (f32.sub (local.get $fahrenheit) (f32.const 32)) (f32.const 1.8)))

  (func (export "hypotenuse") (param $a f64) (param $b f64) (result f64)
    (f64.sqrt (f64.add
      (f64.mul (local.get $a) (local.get $a))
      (f64.mul (local.get $b) (local.get $b)))))

  ;; Two results. Dividing by zero traps.
  (func (export "divmod") (param $dividend i32) (param $divisor i32) (result i32 i32)
    (i32.div_s (local.get $dividend) (local.get $divisor))
    (i32.rem_s (local.get $dividend) (local.get $divisor)))

  ;; No result.
  (func (export "ignore") (param $value i64)))
