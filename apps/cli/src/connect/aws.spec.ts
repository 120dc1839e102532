import { describe, expect, it } from 'vitest';
import { signAws } from './aws.js';

/** The example of docs.aws.amazon.com/general/latest/gr/sigv4-create-canonical-request (AWS General Reference). */
const login = 'AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const now = () => new Date('2015-08-30T12:36:00Z');
const request = {
  method: 'GET',
  url: new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08'),
  headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', accept: '*/*' },
  body: '',
};

describe('AWS Signature Version 4', () => {
  it("is that of Amazon's own example", () => {
    const signed = signAws(login, { region: 'us-east-1', service: 'iam' }, now)(request);
    expect(signed).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date, ' +
        'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    });
  });

  it('covers the token of a session', () => {
    const signed = signAws(`${login}:the-session`, { region: 'us-east-1', service: 'iam' }, now)(request);
    expect(signed['x-amz-security-token']).toBe('the-session');
    expect(signed['authorization']).toContain('SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,');
  });

  it('refuses a login that is none, and does not repeat it', () => {
    const sign = () => signAws('just-a-token', { region: 'us-east-1', service: 'iam' });
    expect(sign).toThrow('ACCESS-KEY-ID:SECRET-ACCESS-KEY');
    expect(sign).not.toThrow('just-a-token');
  });
});
