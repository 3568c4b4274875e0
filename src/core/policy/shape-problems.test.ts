/** Problems of the forms that documents are made of, whole: place, message and hint; and where each form ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BY_KEY, compiledForm, documentOf, policyOf, problemsOf } from '../../../test/compiled-policies.ts';
import { LIMITS } from '../encoding/index.ts';

const signed = (rest: string): string => problemsOf(policyOf(`${BY_KEY}\n${rest}`)).join('\n');
const days = (duration: string): string => signed(`strictness: { maxAge: ${duration} }`);
const isDeep = (open: string, close: string): boolean[] =>
  [LIMITS.jsonDepth - 1, LIMITS.jsonDepth + 1].map((depth) =>
    problemsOf(`${open.repeat(depth)}x${close.repeat(depth)}`).some((one) => one.includes('nested deeper')),
  );

describe('forms of policies', () => {
  it('a member that is not known: one letter, two letters, three letters away, in another case, and of another kind', () => {
    assert.deepEqual(['ower: x', 'ownr: x', 'onerr: x', 'owxxxr: x', 'OWNER: x', '5: x', '[a]: x', 'zzz: x'].map(signed), [
      '7:3 "ower" is not known here (Did you mean owner? Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 "ownr" is not known here (Did you mean owner? Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 "onerr" is not known here (Did you mean owner? Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 "owxxxr" is not known here (Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 "OWNER" is not known here (Did you mean owner? Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 a key that is no text is not known here (Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      '7:3 it is not YAML: Map comment with trailing content',
      '7:3 "zzz" is not known here (Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
    ]);
  });
  it('a member that is very long', () => {
    assert.deepEqual(
      signed(`${'x'.repeat(200)}: y`),
      '7:3 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." is not known here (Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
    );
  });
  it('a member without a value', () => {
    assert.deepEqual(signed('owner:'), '7:9 this must be a text, and it is nothing (Put it in quotes if it looks like a number or a date.)');
  });
  it('a member twice', () => {
    assert.deepEqual(signed('owner: a\nowner: b\nowner: c'), '8:3 the same key stands twice\n9:3 the same key stands twice');
  });
  it('a map that is a list, a text, a number, nothing, true', () => {
    assert.deepEqual(
      ['[a]', 'x', '5', '', 'true'].map((written) => signed(`match: ${written}`)),
      [
        '7:10 this must be a map, and it is a list',
        '7:10 this must be a map, and it is the text "x"',
        '7:10 this must be a map, and it is number 5',
        '7:10 this must be a map, and it is nothing',
        '7:10 this must be a map, and it is boolean true',
      ],
    );
  });
  it('members that are missing', () => {
    assert.deepEqual(
      [
        signed('attestations: [{ approvals: {} }]'),
        signed('attestations: [{ reproducible: {} }]'),
        problemsOf(documentOf('ImageException', '{}')).join('\n'),
        problemsOf('kind: ImagePolicy').join('\n'),
      ],
      [
        '7:31 count is missing',
        '7:34 builders is missing',
        '4:7 reason is missing\n4:7 approvedBy is missing\n4:7 from is missing\n4:7 until is missing',
        '1:1 apiVersion is missing\n1:1 metadata is missing\n1:1 spec is missing',
      ],
    );
  });
  it('a list that is empty, a map, a text', () => {
    assert.deepEqual(
      ['[]', '{}', 'x', '[x, 5]', '[x, {}]'].map((written) => signed(`match: { clusters: ${written} }`)),
      [
        '7:22 this list is empty (Leave it out, or say what belongs in it.)',
        '7:22 this must be a list, and it is a map',
        '7:22 this must be a list, and it is the text "x"',
        '7:26 this must be a text, and it is number 5 (Put it in quotes if it looks like a number or a date.)',
        '7:26 exactly one of exact and regex must be given',
      ],
    );
  });
  it('a map of texts that is empty, a list, with a key that is no text, or twice the same', () => {
    assert.deepEqual(
      ['{}', '[a]', '{ 5: x }', '{ a: x, a: y }', '{ a: [x] }'].map((written) => signed(`labels: ${written}`)),
      [
        '7:11 this map is empty (Leave it out, or say what belongs in it.)',
        '7:11 this must be a map, and it is a list',
        '7:13 a key must be a text',
        '7:19 the same key stands twice',
        '7:16 this must be a text, and it is a list (Put it in quotes if it looks like a number or a date.)',
      ],
    );
  });
  it('a text that is a number, nothing, empty, or too long', () => {
    assert.deepEqual(
      ['5', '', '""', '2026-01-01', `"${'x'.repeat(2048)}"`, `"${'x'.repeat(2049)}"`].map((written) => signed(`owner: ${written}`)),
      [
        '7:10 this must be a text, and it is number 5 (Put it in quotes if it looks like a number or a date.)',
        '7:10 this must be a text, and it is nothing (Put it in quotes if it looks like a number or a date.)',
        '7:10 this text must have between 1 and 2048 characters',
        '',
        '',
        '7:10 this text must have between 1 and 2048 characters',
      ],
    );
  });
  it('a text of a certain form', () => {
    assert.deepEqual(
      ['a', 'A', '-a', 'a'.repeat(253), 'a'.repeat(254)].map((name) => problemsOf(policyOf('refuse: gone', name)).join('\n')),
      [
        '',
        '3:19 "A" is not of the form ^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$',
        '3:19 "-a" is not of the form ^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$',
        '',
        '3:19 this text must have between 1 and 253 characters',
      ],
    );
  });
  it('a choice: mistyped, of another case, far away, no text', () => {
    assert.deepEqual(
      ['enforc', 'Audit', 'nothing', '5', '[warn]', ''].map((written) => signed(`mode: ${written}`)),
      [
        '7:9 this must be one of enforce, warn, audit, and it is the text "enforc" (Did you mean enforce?)',
        '7:9 this must be one of enforce, warn, audit, and it is the text "Audit" (Did you mean audit?)',
        '7:9 this must be one of enforce, warn, audit, and it is the text "nothing"',
        '7:9 this must be one of enforce, warn, audit, and it is number 5',
        '7:9 this must be one of enforce, warn, audit, and it is a list',
        '7:9 this must be one of enforce, warn, audit, and it is nothing',
      ],
    );
  });
  it('true or false', () => {
    assert.deepEqual(
      ['true', 'false', '"true"', '1', '', '[true]'].map((written) => signed(`pinTemplates: ${written}`)),
      [
        '',
        '',
        '7:17 this must be true or false, and it is the text "true"',
        '7:17 this must be true or false, and it is number 1',
        '7:17 this must be true or false, and it is nothing',
        '7:17 this must be true or false, and it is a list',
      ],
    );
  });
  it('a whole number within its bounds', () => {
    assert.deepEqual(
      ['0', '16', '17', '-1', '1.5', '"1"', '', '.inf'].map((written) => signed(`strictness: { dated: { logs: ${written} } }`)),
      [
        '',
        '',
        '7:32 this must be a whole number from 0 to 16, and it is number 17',
        '7:32 this must be a whole number from 0 to 16, and it is number -1',
        '7:32 this must be a whole number from 0 to 16, and it is number 1.5',
        '7:32 this must be a whole number from 0 to 16, and it is the text "1"',
        '7:33 this must be a whole number from 0 to 16, and it is nothing',
        '7:32 this must be a whole number from 0 to 16, and it is number null',
      ],
    );
  });
  it('a whole number that begins higher', () => {
    assert.deepEqual(
      ['2047', '2048', '16384', '16385'].map((written) => signed(`strictness: { minimumKeySize: { rsa: ${written} } }`)),
      [
        '7:40 this must be a whole number from 2048 to 16384, and it is number 2047',
        '',
        '',
        '7:40 this must be a whole number from 2048 to 16384, and it is number 16385',
      ],
    );
  });
  it('a duration', () => {
    assert.deepEqual(['90s', '1h30m', '0s', '01d', '1234567s', '999999w', '5', '1 d', '1y', 'd', '', '""', '1s'.repeat(32), `${'1s'.repeat(32)}1s`].map(days), [
      '',
      '',
      '7:25 this must be a duration with its unit, and it is the text "0s" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "01d" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "1234567s" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '',
      '7:25 this must be a duration with its unit, and it is number 5 (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "1 d" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "1y" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "d" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:26 this must be a duration with its unit, and it is nothing (Such as 90s, 15m, 12h, 30d or 2w.)',
      '7:25 this must be a duration with its unit, and it is the text "" (Such as 90s, 15m, 12h, 30d or 2w.)',
      '',
      '7:25 this must be a duration with its unit, and it is the text "1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s" (Such as 90s, 15m, 12h, 30d or 2w.)',
    ]);
  });
  it('a duration in milliseconds', () => {
    assert.deepEqual(
      ['1s', '1m', '1h', '1d', '1w', '1w1d1h1m1s'].map((written) => compiledForm(policyOf(`${BY_KEY}\nstrictness: { maxAge: ${written} }`)).strictness.maxAge),
      [1000, 60000, 3600000, 86400000, 604800000, 694861000],
    );
  });
  it('a moment', () => {
    assert.deepEqual(
      ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.5Z', '2026-02-31T12:00:00Z', '2026-01-31T12:00:00+01:00', '2026-01-31', '5', ''].map((written) =>
        problemsOf(policyOf(`authorities: [{ name: a, key: { trustKey: release }, validFrom: ${written} }]\nsignatures: a`)).join('\n'),
      ),
      [
        '',
        '',
        '5:67 this must be a moment in UTC, and it is the text "2026-02-31T12:00:00Z" (Such as 2026-01-31T12:00:00Z.)',
        '5:67 this must be a moment in UTC, and it is the text "2026-01-31T12:00:00+01:00" (Such as 2026-01-31T12:00:00Z.)',
        '5:67 this must be a moment in UTC, and it is the text "2026-01-31" (Such as 2026-01-31T12:00:00Z.)',
        '5:67 this must be a moment in UTC, and it is number 5 (Such as 2026-01-31T12:00:00Z.)',
        '5:68 this must be a moment in UTC, and it is nothing (Such as 2026-01-31T12:00:00Z.)',
      ],
    );
  });
  it('a pattern: a text, exact, a regular expression, or neither', () => {
    assert.deepEqual(
      [
        'a',
        '{ exact: "a*" }',
        '{ regex: a.* }',
        '{}',
        '{ exact: a, regex: a }',
        '{ regex: "(" }',
        '""',
        '5',
        '[a]',
        '{ glob: a }',
        '"***"',
        `{ regex: "${'a'.repeat(512)}" }`,
        `{ exact: "${'a'.repeat(513)}" }`,
      ].map((written) => signed(`match: { clusters: [${written}] }`)),
      [
        '',
        '',
        '',
        '7:23 exactly one of exact and regex must be given',
        '7:23 exactly one of exact and regex must be given',
        '7:23 ERR_PATTERN_INVALID the regular expression "(" cannot be used: error parsing regexp: missing closing ): `(` (The syntax is RE2; the whole value must match, so write .* where anything may stand.)',
        '7:23 this text must have between 1 and 512 characters',
        '7:23 this must be a text, and it is number 5 (Put it in quotes if it looks like a number or a date.)',
        '7:23 this must be a text, and it is a list (Put it in quotes if it looks like a number or a date.)',
        '7:23 exactly one of exact and regex must be given\n7:25 "glob" is not known here (Known are exact, regex.)',
        '7:23 ERR_PATTERN_INVALID the pattern "***" cannot be used: three stars mean nothing (Write ** for anything, * for anything but a slash.)',
        '7:23 ERR_PATTERN_INVALID the regular expression "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..." cannot be used: written out it has more than 256 steps (Write smaller repetitions.)',
        '7:23 exactly one of exact and regex must be given\n7:32 this text must have between 1 and 512 characters',
      ],
    );
  });
  it('a pattern that no name can be', () => {
    assert.deepEqual(
      ['shop', 'shop-*', '{ exact: shop }', 'Shop', 's.p', '{ exact: "shop*" }', '{ regex: S.* }'].map((written) =>
        signed(`match: { namespaces: [${written}] }`),
      ),
      [
        '',
        '',
        '',
        '7:25 ERR_PATTERN_INVALID the pattern "Shop" cannot be used: no such name holds all of its characters, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        '7:25 ERR_PATTERN_INVALID the pattern "s.p" cannot be used: no such name holds all of its characters, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        '7:25 ERR_PATTERN_INVALID the pattern "shop*" cannot be used: no such name holds all of its characters, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        '',
      ],
    );
  });
  it('a tag that none can be', () => {
    assert.deepEqual(
      ['v1.2_a-B', 'v*', 'v/1', '{ exact: "v 1" }'].map((written) => signed(`naming: { tags: [${written}] }`)),
      [
        '',
        '',
        '7:20 ERR_PATTERN_INVALID the pattern "v/1" cannot be used: no such name holds all of its characters, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        '7:20 ERR_PATTERN_INVALID the pattern "v 1" cannot be used: no such name holds all of its characters, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      ],
    );
  });
  it('a label: any value, a pattern, or neither', () => {
    assert.deepEqual(
      ['true', 'false', 'x', '{ regex: x }', '', '[x]'].map((written) => signed(`labels: { a: ${written} }`)),
      [
        '',
        '7:16 this must be a text, and it is boolean false (Put it in quotes if it looks like a number or a date.)',
        '',
        '',
        '7:17 this must be a text, and it is nothing (Put it in quotes if it looks like a number or a date.)',
        '7:16 this must be a text, and it is a list (Put it in quotes if it looks like a number or a date.)',
      ],
    );
  });
  it('either a text or a map', () => {
    assert.deepEqual(
      ['log', 'logs', '{ logs: 1 }', '[log]', '5'].map((written) => signed(`strictness: { dated: ${written} }`)),
      [
        '',
        '7:24 this must be one of log, timestamp, either, both, and it is the text "logs" (Did you mean log?)',
        '',
        '7:24 this must be a map, and it is a list',
        '7:24 this must be one of log, timestamp, either, both, and it is number 5',
      ],
    );
  });
  it('patterns of images', () => {
    assert.deepEqual(
      ['[]', '[5]', '[""]', '[r.test/a, r.test//b]', 'r.test/a'].map((written) => signed(`match: { images: ${written} }`)),
      [
        '7:20 this list is empty (Leave it out, or say what belongs in it.)',
        '7:21 this must be a text, and it is number 5 (Put it in quotes if it looks like a number or a date.)',
        '7:21 this text must have between 1 and 512 characters',
        '7:31 ERR_PATTERN_INVALID the pattern "r.test//b" cannot be used: a part of the name is empty, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        '7:20 this must be a list, and it is the text "r.test/a"',
      ],
    );
  });
  it('what Kubernetes writes is not looked into', () => {
    assert.deepEqual(
      problemsOf(policyOf('refuse: gone').replace('{ name: one }', '{ name: one, uid: [x], managedFields: {} }') + 'status: [x]').join('\n'),
      '',
    );
  });
  it('as many problems as anybody reads', () => {
    assert.deepEqual(
      [
        problemsOf(policyOf(`refuse: gone\n${Array.from({ length: LIMITS.policyProblems + 5 }, (_, i) => `x${i}: 1`).join('\n')}`)).length,
        problemsOf(policyOf(`refuse: gone\n${Array.from({ length: LIMITS.policyProblems + 5 }, (_, i) => `x${i}: 1`).join('\n')}\nmode: x`)).at(-1),
      ],
      [
        1000,
        '1005:3 "x999" is not known here (Known are owner, contact, runbook, message, match, mode, modes, onInconclusive, pinTemplates, authorities, signatures, attestations, naming, labels, refuse, strictness.)',
      ],
    );
  });
  it('what is larger than it may be, or holds what no text may', () => {
    assert.deepEqual(
      [
        problemsOf('#'.repeat(LIMITS.documentBytes)),
        problemsOf('#'.repeat(LIMITS.documentBytes + 1)),
        problemsOf('a: \u0000'),
        problemsOf('a: \ud800'),
        problemsOf('a: \u007f'),
        problemsOf('# \t\u0085\n'),
        problemsOf('# \u001f'),
      ],
      [
        [],
        ['1:1 ERR_TOO_LARGE it is larger than 4194304 bytes'],
        ['1:1 it holds a character that cannot stand in YAML'],
        ['1:1 it holds a character that cannot stand in YAML'],
        ['1:1 it holds a character that cannot stand in YAML'],
        [],
        ['1:1 it holds a character that cannot stand in YAML'],
      ],
    );
  });
  it('documents that say nothing', () => {
    assert.deepEqual(
      [problemsOf(''), problemsOf('---\n---\n'), problemsOf('# nothing'), problemsOf('null'), problemsOf('x')],
      [
        [],
        [],
        [],
        [],
        [
          '1:1 this is no document of Sealward: kind is missing (A document begins with apiVersion and kind: ImagePolicy, Authorities, DefaultRule, ImageException.)',
        ],
      ],
    );
  });
  it('what is no YAML, with its place', () => {
    assert.deepEqual(
      [problemsOf('a: ['), problemsOf('a: 1\n b: 2'), problemsOf('a: !!js/function x'), problemsOf(`${policyOf('refuse: gone')}---\na: [\n---\nb: ]`)],
      [
        ['1:5 it is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
        ['1:4 it is not YAML: Nested mappings are not allowed in compact mappings', '1:4 it is not YAML: Implicit keys need to be on a single line'],
        ['1:4 it is not YAML: Unresolved tag: tag:yaml.org,2002:js/function'],
        [
          '8:1 it is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
          '9:4 it is not YAML: Unexpected flow-seq-end token in YAML stream: "]"',
        ],
      ],
    );
  });
  it('aliases, as many as there may be', () => {
    assert.deepEqual(
      [
        problemsOf(policyOf(`${BY_KEY}\nmatch: { images: [&i r.test/a, ${Array.from({ length: LIMITS.policyAliases }, () => '*i').join(', ')}] }`)),
        problemsOf(policyOf(`${BY_KEY}\nmatch: { images: [&i r.test/a, ${Array.from({ length: LIMITS.policyAliases + 1 }, () => '*i').join(', ')}] }`)).map(
          (one) => one.replace(/^[0-9:]+ /, ''),
        ),
      ],
      [
        [],
        ['ERR_TOO_LARGE there are more than 1000 aliases', 'this must be a text, and it is nothing (Put it in quotes if it looks like a number or a date.)'],
      ],
    );
  });
  it('an alias of nothing', () => {
    assert.deepEqual(problemsOf(policyOf(`${BY_KEY}\nmatch: { images: [*i] }`)), [
      '7:21 this must be a text, and it is nothing (Put it in quotes if it looks like a number or a date.)',
    ]);
  });
  it('brackets and lines, as deep as they may be', () => {
    assert.deepEqual(
      [isDeep('[', ']'), isDeep('{ a: ', ' }'), isDeep('- ', ''), isDeep('? ', '')],
      [
        [false, true],
        [false, true],
        [false, true],
        [false, true],
      ],
    );
  });
  it('lines that begin further in, as deep as they may be', () => {
    assert.deepEqual(
      [LIMITS.jsonDepth - 1, LIMITS.jsonDepth, LIMITS.jsonDepth + 1].map((depth) =>
        problemsOf(`${Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:`).join('\n')} x`).some((one) => one.includes('nested deeper')),
      ),
      [false, false, true],
    );
  });
  it('brackets one after the other are not deep', () => {
    assert.deepEqual(problemsOf(policyOf(`${BY_KEY}\nmatch: { clusters: [${'{ exact: a }, '.repeat(LIMITS.jsonDepth)}b] }`)), []);
  });
  it('lists in lines, one after the other, are not deep', () => {
    assert.deepEqual(problemsOf(policyOf(`${BY_KEY}\nmatch:\n  clusters:\n${'    - exact: a\n'.repeat(LIMITS.jsonDepth)}`)), []);
  });
});
