/** `google.protobuf.Value` as protobufjs has it. */
export interface ProtoValue {
  nullValue?: 0;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: { fields?: Record<string, ProtoValue> };
  listValue?: { values?: ProtoValue[] };
}

/** Any JSON value. Absent fields of objects stay absent. */
export const encodeValue = (value: unknown): ProtoValue => {
  if (value === null || value === undefined) return { nullValue: 0 };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(encodeValue) } };
  if (typeof value === 'object') {
    const parts = Object.entries(value).filter(([, part]) => part !== undefined);
    return { structValue: { fields: Object.fromEntries(parts.map(([key, part]) => [key, encodeValue(part)])) } };
  }
  throw new TypeError(`JSON has nothing for a ${typeof value}`);
};

export const decodeValue = (value: ProtoValue): unknown => {
  if (value.numberValue !== undefined) return value.numberValue;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.listValue) return (value.listValue.values ?? []).map(decodeValue);
  if (value.structValue) {
    return Object.fromEntries(
      Object.entries(value.structValue.fields ?? {}).map(([key, part]) => [key, decodeValue(part)]),
    );
  }
  return null;
};
