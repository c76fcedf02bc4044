'use strict';

const fs = require('fs');

/** What is wrong with a snapshot file, or null: it is read whole, and must be what its head and its side-car say. */
function checkSnapshot(file, { nodeCount, edgeCount }) {
  const { snapshot, nodes, edges, strings } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const { node_fields: nodeFields, edge_fields: edgeFields, node_types: nodeTypes, edge_types: edgeTypes } = snapshot.meta;
  if (nodes.length !== snapshot.node_count * nodeFields.length) return `${nodes.length} node fields for ${snapshot.node_count} nodes`;
  if (edges.length !== snapshot.edge_count * edgeFields.length) return `${edges.length} edge fields for ${snapshot.edge_count} edges`;
  if (snapshot.node_count !== nodeCount || snapshot.edge_count !== edgeCount) return 'the side-car has other counts';
  const name = nodeFields.indexOf('name');
  const count = nodeFields.indexOf('edge_count');
  let edgesOfNodes = 0;
  for (let at = 0; at < nodes.length; at += nodeFields.length) {
    if (nodes[at] >= nodeTypes[0].length || nodes[at + name] >= strings.length) return `a node at ${at} has no type or no name`;
    edgesOfNodes += nodes[at + count];
  }
  if (edgesOfNodes !== snapshot.edge_count) return `nodes have ${edgesOfNodes} edges of ${snapshot.edge_count}`;
  const [type, to] = [edgeFields.indexOf('type'), edgeFields.indexOf('to_node')];
  for (let at = 0; at < edges.length; at += edgeFields.length) {
    const target = edges[at + to];
    if (edges[at + type] >= edgeTypes[0].length || target >= nodes.length || target % nodeFields.length !== 0) return `an edge at ${at} leads nowhere`;
  }
  return null;
}

module.exports = { checkSnapshot };
