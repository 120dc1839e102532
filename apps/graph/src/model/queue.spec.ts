import { describe, expect, it } from 'vitest';
import { GraphModel } from './graph-model.js';
import { Queue } from './queue.js';

describe('the queue of tasks to be derived anew', () => {
  const model = new GraphModel();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => model.task(name)) as [never, never, never];
  const taken = (queue: Queue) => {
    const all: string[] = [];
    for (let next = queue.take(); next; next = queue.take()) all.push(`${next.task.name} ${next.asks}`);
    return all;
  };

  it('has each once, in the order of coming, with the most that was asked', () => {
    const queue = new Queue();
    queue.addCounted(a);
    queue.add(b);
    queue.add(a);
    queue.addCounted(b);
    queue.addCounted(c);
    expect(taken(queue)).toEqual(['a all', 'b all', 'c counts']);
    expect(taken(queue)).toEqual([]);
  });

  it('takes one again that was taken', () => {
    const queue = new Queue();
    queue.add(a);
    queue.take();
    queue.addCounted(a);
    expect(taken(queue)).toEqual(['a counts']);
  });
});
