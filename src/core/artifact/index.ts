export * from './digest.ts';
export {
  type Annotations,
  type Descriptor,
  descriptorToJson,
  isMediaType,
  type Platform,
  parseDescriptor,
} from './descriptor.ts';
export * from './lookup.ts';
export * from './manifest.ts';
export * from './quoted.ts';
export * from './reference.ts';
