;; tempfail: exit code 75 (EX_TEMPFAIL), which asks for a retry.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 75))))
