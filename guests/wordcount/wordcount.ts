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

/** How many words the text has: runs of anything but white space. */
export function count_words(ptr: usize, len: i32): i32 {
  const words = measure(String.UTF8.decodeUnsafe(ptr, len));
  logLine(`counted ${words.count} words in ${len} bytes`);
  return words.count;
}

/** The length of the longest word. A text without words is an error: the task ends with its message. */
export function longest_word(ptr: usize, len: i32): i32 {
  const words = measure(String.UTF8.decodeUnsafe(ptr, len));
  if (words.count == 0) throw new Error(`no words in ${len} bytes`);
  return words.longest;
}

class Words {
  count: i32 = 0;
  longest: i32 = 0;
}

function measure(text: string): Words {
  const words = new Words();
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    length = isSpace(text.charCodeAt(i)) ? 0 : length + 1;
    if (length == 1) words.count++;
    words.longest = max(words.longest, length);
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
