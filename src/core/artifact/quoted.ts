/** A hostile value inside a sentence: quoted, printable ASCII only, shortened. */
export function quoted(value: string, longest = 80): string {
  const short = value.length > longest ? `${value.slice(0, longest)}...` : value;
  return JSON.stringify(short).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
