/** What a proxy has to know of the protocol that passes through it, to do something to one certain request. */
export interface Wire {
  /** For one direction of one connection: cuts what arrives into messages. What is not whole comes with its rest. */
  cutter(): (data: Buffer) => readonly Buffer[];
  /**
   * Recognises the requests that a test means.
   * @throws If there are no such requests.
   */
  means(text: string): (request: Buffer) => boolean;
  isReply(reply: Buffer, request: Buffer): boolean;
  /** What the client gets instead. */
  translate(reply: Buffer): Buffer;
}

/** Any protocol: each piece that arrives is a message, and what comes after a request is the reply to it. */
export const anyWire: Wire = {
  cutter: () => data => [data],
  means: text => request => request.includes(text),
  isReply: () => true,
  translate: reply => reply,
};
