;; A start section that traps, and more memory than an attempt may have.
(module
  (memory (export "memory") 1)
  (func $s unreachable)
  (start $s)
  (func (export "_start")))
