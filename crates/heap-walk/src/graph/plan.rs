//! What leads out of the objects of a map, worked out once for each map: which words of the object are references, what they are called,
//! and which edges all of these objects have in common.

use memguard_heap_graph::{EdgeKind, EdgeStamp, GraphBuilder, NodeIndex};

use super::edges::EdgeWriter;
use super::objects::Found;
use super::template::{Field, Role, Template};
use crate::maps::Watch;
use crate::shape::Shape;
use crate::view::Place;

/// How the edges of an object are found.
#[derive(Debug)]
pub(super) enum Plan {
    /// By these steps, one after the other.
    Steps(Box<[Step]>),
    /// By looking at the object: of tables, contexts, and what else is of no fixed form.
    Looked,
}

/// An edge, or some.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The property at this offset of the object.
    Property { at: u16, stamp: EdgeStamp },
    /// The property with this index in the array beside the object.
    Outside { index: u32, stamp: EdgeStamp },
    /// The same for all objects of the map: a constant, the prototype, the map.
    Common { stamp: EdgeStamp, to: NodeIndex },
    /// The elements.
    Elements,
    /// One of V8's own fields, at this offset.
    Field { at: u16, field: Field },
    /// The same, without a name.
    Numbered { at: u16 },
    /// The code that a function names by a handle.
    Code,
}

/// The plans of one heap, by the number of the map.
pub(super) struct Plans {
    by_map: Vec<Option<Plan>>,
}

impl Plans {
    pub(super) fn new(maps: usize) -> Self {
        Self {
            by_map: (0..maps).map(|_| None).collect(),
        }
    }

    pub(super) fn of(
        &mut self,
        edges: &EdgeWriter<'_, '_, '_>,
        template: &Template,
        found: &Found<'_>,
    ) -> Option<&Plan> {
        let slot = self.by_map.get_mut(found.map as usize)?;
        Some(slot.get_or_insert_with(|| plan(edges, template, found)))
    }
}

fn plan(edges: &EdgeWriter<'_, '_, '_>, template: &Template, found: &Found<'_>) -> Plan {
    steps(edges, template, found).map_or(Plan::Looked, |steps| Plan::Steps(steps.into()))
}

/// `None` where it takes a look at the object.
fn steps(
    edges: &EdgeWriter<'_, '_, '_>,
    template: &Template,
    found: &Found<'_>,
) -> Option<Vec<Step>> {
    let shape = found.info.shape;
    let references = shape.references(found.bytes, usize::from(found.info.words) * 8);
    let fields = match (shape, references) {
        // The same words of all objects of the map, or none.
        (Shape::Fixed | Shape::StringParts | Shape::Map, (start, end)) => start / 8..end / 8,
        (_, (0, 0)) => 0..0,
        _ => return None,
    };
    let mut steps = Vec::new();
    match template.role {
        Role::Js if !template.dictionary_properties => {
            properties(edges, template, found, &mut steps)?
        }
        Role::Plain => {}
        _ => return None,
    }
    if template.weak.is_some() {
        return None;
    }
    for at in fields {
        if template.is_property.get(at).is_some_and(|&is| is) {
            continue;
        }
        let offset = u16::try_from(at * 8).ok()?;
        steps.push(match template.fields.get(at).copied().flatten() {
            Some(field) => Step::Field { at: offset, field },
            None => Step::Numbered { at: offset },
        });
    }
    if found.info.watch == Watch::Function {
        steps.push(Step::Code);
    }
    if let Some(map) = edges.map_of(found) {
        let stamp = edges.stamps().map;
        steps.push(Step::Common { stamp, to: map });
    }
    Some(steps)
}

/// What V8 tells of a JavaScript object for people.
fn properties(
    edges: &EdgeWriter<'_, '_, '_>,
    template: &Template,
    found: &Found<'_>,
    steps: &mut Vec<Step>,
) -> Option<()> {
    for &(label, place) in &template.properties {
        match place {
            Place::Constant(value) => {
                edges.named(label, value, &mut |stamp, to| {
                    steps.push(Step::Common { stamp, to });
                });
            }
            _ if label.accessor.is_some() => return None,
            Place::InObject(offset) => steps.push(Step::Property {
                at: u16::try_from(offset).ok()?,
                stamp: label.stamp,
            }),
            Place::OutOfObject(index) => steps.push(Step::Outside {
                index: u32::try_from(index).ok()?,
                stamp: label.stamp,
            }),
        }
    }
    steps.push(Step::Elements);
    if let Some(to) = edges.prototype_of(found) {
        let stamp = edges.stamps().proto;
        steps.push(Step::Common { stamp, to });
    }
    Some(())
}

/// The label of a field without a name.
#[inline]
pub(super) fn numbered(builder: &mut GraphBuilder, is_weak: bool, number: u32) -> EdgeStamp {
    if is_weak {
        builder.stamp(EdgeKind::Weak, number)
    } else {
        builder.stamp(EdgeKind::Hidden, number)
    }
}
