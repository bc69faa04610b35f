;; spin: a loop without end and without a call, which no host function can
;; interrupt.
(module
  (memory (export "memory") 1)
  (func (export "_start") (loop $again (br $again))))
