/** Fake terminal streams: they record each write, and `press` sends keys. */
import { PassThrough, Writable } from 'node:stream';

export interface TtyStreams {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  writes: string[];
  press(bytes: string): void;
  resize(columns: number, rows: number): void;
  isRaw(): boolean;
}

export function createTtyStreams(columns: number, rows: number): TtyStreams {
  const writes: string[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode(raw: boolean) {
      input.isRaw = raw;
      return input;
    },
  });
  const output = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        writes.push(chunk.toString());
        done();
      },
    }),
    { isTTY: true, columns, rows },
  );
  return {
    input: input as unknown as NodeJS.ReadStream,
    output: output as unknown as NodeJS.WriteStream,
    writes,
    press: (bytes) => input.write(bytes),
    resize(newColumns, newRows) {
      Object.assign(output, { columns: newColumns, rows: newRows });
      output.emit('resize');
    },
    isRaw: () => input.isRaw,
  };
}
