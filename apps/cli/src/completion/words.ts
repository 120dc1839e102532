/** Takes a line apart as a shell does: spaces between words, quotes and backslashes taken away. */
export const wordsOf = (line: string): string[] => {
  const words: string[] = [];
  let word = '';
  let quote: string | undefined;
  let begun = false;
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index]!;
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      begun = true;
    } else if (char === '\\') {
      word += line[(index += 1)] ?? '';
      begun = true;
    } else if (/\s/.test(char)) {
      if (begun || word !== '') words.push(word);
      word = '';
      begun = false;
    } else word += char;
  }
  return [...words, word];
};
