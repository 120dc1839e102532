import { describe, expect, it } from 'vitest';
import { azBoolean, duration, oneOf, platform, registryHost, secretRef, taskName, wholeNumber } from './parsers.js';

describe('values of options', () => {
  it.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h2m3s', 3_723_000],
  ])('%s is a time', (text, milliseconds) => expect(duration(text)).toBe(milliseconds));

  it.each(['', '0', '0s', 'm', '1d', '10 m', '-5', '1.5h', '5h10', '9000h0m0s'])('%j is no time', (text) =>
    expect(() => duration(text)).toThrow(/expected a time/),
  );

  it('True and False are taken as az writes them, in any case', () => {
    expect(['True', 'true', 'FALSE', 'False'].map(azBoolean)).toEqual([true, true, false, false]);
    expect(() => azBoolean('yes')).toThrow('expected True or False');
  });

  it('a word of a list is answered in the spelling of the list', () => {
    expect(oneOf('Runtime', 'All')('runtime')).toBe('Runtime');
    expect(() => oneOf('Runtime', 'All')('none')).toThrow('expected one of Runtime, All');
  });

  it('numbers stay within their bounds, and say them', () => {
    const timeout = wholeNumber(300, 28_800, 'seconds');
    expect([timeout('300'), timeout('28800')]).toEqual([300, 28_800]);
    for (const text of ['299', '28801', '3e2', '300.0', ' 300', '']) {
      expect(() => timeout(text)).toThrow('expected a whole number of seconds from 300 to 28800');
    }
  });

  it('names follow the rules of the contracts', () => {
    expect(taskName('web-1')).toBe('web-1');
    expect(registryHost('registry.local:5000')).toBe('registry.local:5000');
    expect(platform('linux/arm/v7')).toBe('linux/arm/v7');
    expect(['a', 'a@2', 'env:A', 'file:/x'].map(secretRef)).toHaveLength(4);
    expect(() => taskName('-web')).toThrow(/expected/);
    expect(() => registryHost('http://x')).toThrow(/expected a host/);
    expect(() => platform('linux')).toThrow(/expected a platform/);
    expect(() => secretRef('env:')).toThrow(/expected a stored secret/);
  });
});
