/** The two pages that a person sees. No scripts, nothing from elsewhere, and every text is escaped. */
import type { ServiceAnswer } from '../../core/contract/index.ts';
import { hash } from '../../core/crypto/index.ts';
import { encodeBase64, utf8 } from '../../core/encoding/index.ts';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem;color:#1b1f24;background:#fff}label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #767b82;border-radius:4px}button{font:inherit;padding:.5rem 1rem;margin-right:.5rem}p.no{color:#a40e26}code{font-size:1.25rem;letter-spacing:.1em}';
const STYLE_HASH = encodeBase64(hash('sha256', utf8(STYLE)));

export interface Field {
  readonly name: string;
  readonly label?: string;
  readonly type: 'hidden' | 'text' | 'password';
  readonly value?: string;
}

export interface Page {
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly problem?: string;
  readonly form?: {
    readonly action: string;
    readonly fields: readonly Field[];
    readonly buttons: readonly { readonly label: string; readonly value: string }[];
  };
  /** Where the browser may be sent after the form. */
  readonly leadsTo?: string;
}

export function pageAnswer(page: Page, status = 200): ServiceAnswer {
  const { title, paragraphs, problem, form, leadsTo = '' } = page;
  const body = [
    `<h1>${escape(title)}</h1>`,
    ...(problem === undefined ? [] : [`<p class="no" role="alert">${escape(problem)}</p>`]),
    ...paragraphs.map((text) => `<p>${escape(text)}</p>`),
    ...(form ? [formHtml(form)] : []),
  ].join('\n');
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${STYLE}</style></head><body><main>\n${body}\n</main></body></html>\n`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self' ${leadsTo}; base-uri 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    body: html,
  };
}

function formHtml({ action, fields, buttons }: NonNullable<Page['form']>): string {
  const inputs = fields.map(({ name, label, type, value = '' }) => {
    const completes = type === 'password' ? ' autocomplete="current-password"' : name === 'username' ? ' autocomplete="username"' : '';
    const input = `<input type="${type}" name="${escape(name)}" value="${escape(value)}"${type === 'hidden' ? '' : ' required'}${completes}>`;
    return label === undefined ? input : `<label>${escape(label)}${input}</label>`;
  });
  const rest = buttons.map(({ label, value }) => `<button type="submit" name="answer" value="${escape(value)}">${escape(label)}</button>`);
  return `<form method="post" action="${escape(action)}">${inputs.join('')}${rest.join('')}</form>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
