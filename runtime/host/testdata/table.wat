;; A gigabyte by one instruction, which no memory limit of Wasm covers.
(module
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func (export "_start")
    (if (i32.eq (table.grow $t (ref.null func) (i32.const 134217728)) (i32.const -1))
      (then unreachable))))
