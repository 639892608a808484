import { describe, expect, it } from 'vitest';
import {
  CONTENTS_PER_OWNER,
  CONTENT_BYTES,
  CONTENT_MS,
  KEPT_BYTES,
  KEPT_BYTES_PER_ORIGIN,
  UPLOADS,
  UPLOADS_PER_OWNER,
} from '../api/limits.ts';
import { Contents, type ContentOwner } from './contents.ts';

const anna: ContentOwner = { user: '1000' };
const page: ContentOwner = { user: '1000', origin: 'https://app.example' };

function store(contents: Contents, owner: ContentOwner, bytes: Uint8Array, keep = false): string {
  using upload = contents.open(owner, { keep, sizeBytes: bytes.length });
  upload.write(bytes);
  return upload.finish().id;
}

const thrown = (code: string): Error => expect.objectContaining({ code }) as Error;

describe('contents', () => {
  it('go after ten minutes, and their room is free again', () => {
    let now = 0;
    using contents = new Contents(() => now);
    const id = store(contents, anna, Buffer.alloc(KEPT_BYTES), true);
    now = CONTENT_MS - 1;
    expect(contents.find(anna, id).sizeBytes).toBe(KEPT_BYTES);
    expect(() => store(contents, anna, Buffer.of(1), true)).toThrow(thrown('contents_full'));
    now = CONTENT_MS;
    expect(() => contents.find(anna, id)).toThrow(thrown('content_not_found'));
    store(contents, anna, Buffer.of(1), true);
  });

  it('belong to the programs of one user, or to one origin of one user', () => {
    using contents = new Contents();
    const id = store(contents, page, Buffer.of(1), true);
    for (const other of [anna, { ...page, user: '1001' }, { ...page, origin: 'https://other.example' }])
      expect(() => contents.find(other, id)).toThrow(thrown('content_not_found'));
    expect(contents.find({ ...page }, id).bytes).toEqual(Uint8Array.of(1));
  });

  it('of one owner, and uploads under way, are bounded; others are not kept out', () => {
    using contents = new Contents();
    for (let count = 0; count < CONTENTS_PER_OWNER; count++) store(contents, page, Buffer.of(1));
    expect(() => store(contents, page, Buffer.of(1))).toThrow(thrown('contents_full'));
    using uploads = new DisposableStack();
    for (let count = 0; count < UPLOADS_PER_OWNER; count++) uploads.use(contents.open(anna, { keep: false }));
    expect(() => contents.open(anna, { keep: false })).toThrow(thrown('too_many_calls'));
    const others = Array.from({ length: UPLOADS - UPLOADS_PER_OWNER }, (_, index) => ({ user: String(index) }));
    for (const owner of others) uploads.use(contents.open(owner, { keep: false }));
    expect(() => contents.open({ user: 'one more' }, { keep: false })).toThrow(thrown('too_many_calls'));
    uploads.dispose();
    store(contents, anna, Buffer.of(1));
  });

  it('of a page leave as much for others, whether the length was told or not', () => {
    using contents = new Contents();
    store(contents, page, Buffer.alloc(KEPT_BYTES_PER_ORIGIN), true);
    using upload = contents.open(page, { keep: true });
    expect(() => upload.write(Buffer.of(1))).toThrow(thrown('contents_full'));
    store(contents, anna, Buffer.alloc(KEPT_BYTES - KEPT_BYTES_PER_ORIGIN), true);
  });

  it('that were broken off take no room, and results have a room of their own', () => {
    using contents = new Contents();
    for (let round = 0; round < 3; round++) {
      using upload = contents.open(anna, { keep: true, sizeBytes: KEPT_BYTES });
      upload.write(Buffer.of(1));
    }
    store(contents, anna, Buffer.alloc(KEPT_BYTES), true);
    contents.put(anna, Buffer.alloc(KEPT_BYTES));
    expect(() => contents.put(anna, Buffer.of(1))).toThrow(thrown('contents_full'));
  });

  it('are not longer than is taken, whatever was told', () => {
    using contents = new Contents();
    expect(() => contents.open(anna, { keep: false, sizeBytes: CONTENT_BYTES + 1 })).toThrow(thrown('message_too_large'));
  });
});
