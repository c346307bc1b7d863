/** Names for executions and producers that nobody else has. */
import { randomBytes } from 'node:crypto';

/** Lower case, without the letters that are taken for digits: ids are read aloud and typed. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const LENGTH = 10;

/** 50 random bits. */
export function createId(): string {
  return Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
