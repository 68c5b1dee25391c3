// Counts words in AssemblyScript, compiled with the default options: it imports `env.abort` for its errors.

// @ts-ignore: decorator
@external("env", "log")
declare function log(ptr: usize, len: i32): void;

/** Where the host may write `len` bytes of input. */
export function allocate(len: i32): usize {
  return heap.alloc(len);
}

/** The host is done with what `allocate` answered. */
export function deallocate(ptr: usize, len: i32): void {
  heap.free(ptr);
}

/** Runs of anything but white space. */
export function count_words(ptr: usize, len: i32): i32 {
  const words = wordsIn(String.UTF8.decodeUnsafe(ptr, len)).length;
  logLine(`counted ${words} words in ${len} bytes`);
  return words;
}

/** The length of the longest word. A text without words is an error: the task ends with its message. */
export function longest_word(ptr: usize, len: i32): i32 {
  const words = wordsIn(String.UTF8.decodeUnsafe(ptr, len));
  if (words.length == 0) throw new Error(`no words in ${len} bytes`);
  let longest = 0;
  for (let i = 0; i < words.length; i++) longest = max(longest, words[i].length);
  return longest;
}

function wordsIn(text: string): string[] {
  const words: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    const isWord = i < text.length && !isSpace(text.charCodeAt(i));
    if (isWord && start < 0) start = i;
    if (!isWord && start >= 0) {
      words.push(text.substring(start, i));
      start = -1;
    }
  }
  return words;
}

function isSpace(code: i32): bool {
  return code == 0x20 || (code >= 0x09 && code <= 0x0d) || code == 0xa0;
}

function logLine(line: string): void {
  const bytes = String.UTF8.encode(line);
  log(changetype<usize>(bytes), bytes.byteLength);
}
