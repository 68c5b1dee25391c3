"""Guests' allocators in text: honest ones, and ones that lie."""

from __future__ import annotations

#: A bump allocator over memory that grows with it, and a `freed` global that adds up what came back.
BUMP = """
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (global $freed (mut i32) (i32.const 0))
  (func $bump (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (block (loop
      (br_if 1 (i32.ge_u (i32.shl (memory.size) (i32.const 16)) (global.get $next)))
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (return (i32.const 0))))
      (br 0)))
    (local.get $at))
  (func $give (param $at i32) (param $size i32)
    (global.set $freed (i32.add (global.get $freed) (local.get $size))))
"""
ALLOCATE = BUMP + '(export "allocate" (func $bump)) (export "deallocate" (func $give))'


def allocator(body: str, name: str = "allocate", params: str = "(param i32)", pages: int = 1) -> str:
    """A memory and an allocator that does ``body``."""
    return f'(memory (export "memory") {pages}) (func (export "{name}") {params} (result i32) {body})'
