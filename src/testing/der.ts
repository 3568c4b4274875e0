/** The encoder of core/encoding under the short names in which the fakes write what they sign. */
export {
  encodeBitString as bitString,
  encodeBoolean as boolean,
  encodeContext as context,
  encodeGeneralizedTime as generalizedTime,
  encodeImplicit as implicit,
  encodeInteger as integer,
  encodeName as commonName,
  encodeOctetString as octetString,
  encodeOid as objectIdentifier,
  encodeSequence as sequence,
  encodeSetOf as setOf,
  encodeTime as time,
  encodeUtf8String as utf8String,
} from '../core/encoding/index.ts';
