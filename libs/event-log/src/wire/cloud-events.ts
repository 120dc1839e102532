import { LogError } from '../errors.js';

/**
 * Attributes of CloudEvents 1.0 as NATS headers, binary mode (cloudevents/spec, bindings/nats-protocol-binding.md):
 * every attribute is a header `ce-<name>`, datacontenttype included; the body is the data. Values are printable
 * ASCII; space, `"`, `%` and everything else is percent-encoded UTF-8 in upper case, decoded exactly once.
 */
export const specVersion = '1.0';

const plain = /^[!#$&-~]*$/;
const needsEncoding = /[^!#$&-~]/gu;
const hex = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** @throws LogError HEADER_INVALID for a string that is not Unicode (a lone surrogate) */
export const encodeAttribute = (value: string): string => {
  if (plain.test(value)) return value;
  if (!value.isWellFormed()) {
    throw new LogError('HEADER_INVALID', `The attribute ${JSON.stringify(value)} is not valid Unicode.`);
  }
  return value.replace(needsEncoding, (character) => Array.from(Buffer.from(character, 'utf8'), hex).join(''));
};

const notAscii = /[^ -~]/;

/** @throws LogError HEADER_INVALID for control characters, a `%` without two digits, and invalid UTF-8 (`%C0%A0`) */
export const decodeAttribute = (value: string): string => {
  if (plain.test(value)) return value;
  if (notAscii.test(value)) {
    throw new LogError('HEADER_INVALID', `The header ${JSON.stringify(value)} is not printable ASCII.`);
  }
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new LogError('HEADER_INVALID', `The header ${JSON.stringify(value)} is not percent-encoded UTF-8.`, {
      cause,
    });
  }
};
