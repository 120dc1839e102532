import type { TaskNode } from './nodes.js';

/** Tasks to be derived anew, each once, in the order in which they came; one that comes while it is open, too. */
export class Queue {
  private tasks: TaskNode[] = [];
  private next = 0;

  /** Everything of it may be another now. */
  add(task: TaskNode): void {
    if (task.queued === 'no') this.tasks.push(task);
    task.queued = 'all';
  }

  /** What is above it is another now, and nothing else. */
  addCounted(task: TaskNode): void {
    if (task.queued !== 'no') return;
    this.tasks.push(task);
    task.queued = 'counts';
  }

  /** Takes the next one out. */
  take(): { readonly task: TaskNode; readonly asks: 'all' | 'counts' } | undefined {
    const task = this.tasks[this.next];
    if (!task) {
      [this.tasks, this.next] = [[], 0];
      return undefined;
    }
    this.next += 1;
    const asks = task.queued === 'all' ? 'all' : 'counts';
    task.queued = 'no';
    return { task, asks };
  }
}
