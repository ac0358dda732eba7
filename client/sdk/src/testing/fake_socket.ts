// A WebSocket whose other end is the test.

import type { ClientMessage, ServerMessage } from '../messages';
import { encode, parseClientMessage } from '../messages';

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  readonly sent: ClientMessage[] = [];
  private answered = 0;

  asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }
  send(json: string): void {
    this.sent.push(parseClientMessage(json));
  }
  close(): void {
    this.closed = true;
  }

  accept(): void {
    this.onopen?.();
  }
  refuse(): void {
    this.onclose?.();
  }
  breakDown(): void {
    this.onclose?.();
  }
  receive(message: ServerMessage): void {
    this.receiveRaw(encode(message));
  }
  receiveRaw(data: unknown): void {
    this.onmessage?.({ data });
  }
  answerPings(): void {
    for (; this.answered < this.sent.length; ++this.answered) {
      const message = this.sent[this.answered];
      if (message?.t === 'ping') this.receive({ t: 'pong', id: message.id });
    }
  }
}
