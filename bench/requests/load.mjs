// Requests for several paths in a random order, in a process of its own.

import http from 'node:http';
import { serve } from '../lib/child.mjs';

serve({
  async run({ port, seconds, connections, paths }) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    const until = Date.now() + seconds * 1e3;
    const get = (path) => new Promise((resolve, reject) => http.get({ port, agent, path }, (response) => response.resume().once('end', resolve)).once('error', reject));
    const client = async () => {
      while (Date.now() < until) await get(paths[Math.floor(Math.random() * paths.length)]);
    };
    await Promise.all(Array.from({ length: connections }, client));
    agent.destroy();
    return null;
  },
});
