;; Begins with 128 MiB of memory.
(module
  (memory (export "memory") 2048)
  (func (export "_start")))
