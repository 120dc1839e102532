import fc from 'fast-check';
import { z } from 'zod';

/** A JSON value of any kind, without what JSON itself cannot hold. */
const jsonValue = fc
  .jsonValue()
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

/** Texts, hostile ones included; constraints are zod's and do not concern the wire. */
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '0', 'null', '\u0000', '€𝄞'));
const key = text.filter((one) => one !== '__proto__');
const integer = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, -1, 2 ** 53 - 1, -(2 ** 53) + 1));

const objectOf = (schema: z.ZodObject): fc.Arbitrary<unknown> => {
  const fields = Object.entries(schema.shape as Record<string, z.core.$ZodType>);
  const mayBeAbsent = (field: z.core.$ZodType): boolean =>
    field instanceof z.ZodOptional ||
    field instanceof z.ZodDefault ||
    field instanceof z.ZodPrefault ||
    (field instanceof z.ZodNullable && mayBeAbsent(field.def.innerType));
  return fc.record(Object.fromEntries(fields.map(([name, field]) => [name, arbitraryOf(field)])), {
    requiredKeys: fields.filter(([, field]) => !mayBeAbsent(field)).map(([name]) => name),
  });
};

/** Values of the shape that the schema has, with every combination of absent, null and empty. */
export const arbitraryOf = (schema: z.core.$ZodType): fc.Arbitrary<unknown> => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return arbitraryOf(schema.def.innerType);
  }
  if (schema instanceof z.ZodNullable) return fc.option(arbitraryOf(schema.def.innerType), { nil: null, freq: 3 });
  if (schema instanceof z.ZodPipe) return arbitraryOf(schema.def.out);
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return text;
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodNumber) return integer;
  if (schema instanceof z.ZodUnknown) return jsonValue;
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodArray) return fc.array(arbitraryOf(schema.element), { maxLength: 3 });
  if (schema instanceof z.ZodRecord) {
    return fc.dictionary(key, arbitraryOf(schema.valueType), { maxKeys: 3, noNullPrototype: true });
  }
  if (schema instanceof z.ZodDiscriminatedUnion) return fc.oneof(...(schema.options as z.ZodObject[]).map(objectOf));
  if (schema instanceof z.ZodObject) return objectOf(schema);
  throw new Error(`No values for ${schema._zod.def.type}`);
};
