/** Generates random IDs of executions and producers. */
import { randomBytes } from 'node:crypto';

/** Lower case, without letters that resemble digits: IDs are read aloud and typed. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const LENGTH = 10;

/** Creates an ID of 50 random bits. */
export function createId(): string {
  return Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}
