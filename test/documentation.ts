/** Reads the commands out of the documentation, for the tests that hold them. */

/** The lines of the ```sh blocks of a page, joined where they end in a backslash. */
export function commandLines(page: string): string[] {
  const blocks = Array.from(page.matchAll(/^```sh\n([^]*?)^```/gm), (match) => match[1] ?? '');
  return blocks.flatMap((block) => block.replaceAll('\\\n', ' ').split('\n')).filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

/** What follows `sealward` or `npx sealward` in a line, as a shell would split it; undefined for another program's line. */
export function sealwardArguments(line: string): string[] | undefined {
  const words = Array.from(line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g), ([word]) => word.replace(/['"]/g, ''));
  const at = words.indexOf('sealward');
  return at === 0 || (at === 1 && words[0] === 'npx') ? words.slice(at + 1) : undefined;
}
