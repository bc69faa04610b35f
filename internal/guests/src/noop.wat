;; noop: nothing at all. What is left of a task's time is the platform's own.
(module
  (memory (export "memory") 1)
  (func (export "_start")))
