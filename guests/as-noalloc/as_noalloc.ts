// A mistake to learn from: it allocates (the decoded string), but exports no allocator. So the host has to bring
// its own pages for the input, the runtime takes them for its heap, and the string overwrites the input.

/** How many lines the text has; wrong when the text is long. `wordcount` shows the remedy: export `allocate`. */
export function count_lines(ptr: usize, len: i32): i32 {
  const lines = String.UTF8.decodeUnsafe(ptr, len).split("\n");
  return lines[lines.length - 1].length ? lines.length : lines.length - 1;
}
