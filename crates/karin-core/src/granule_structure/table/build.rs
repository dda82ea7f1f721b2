//! Makes a granule structure of what a table states.

use super::{Open, ProductDraft, Table, TableError};
use crate::granule_structure::GranuleStructure;
use crate::{Attributes, Dimension, FillMode, GroupMeta, Product, Storage, VariableMeta};

impl Table {
    /// Ends a statement; a product is built once all its lines are read.
    pub(super) fn close(&mut self, open: &Open) -> Result<(), TableError> {
        let Open::Product(name) = open else { return Ok(()) };
        let structure = self
            .build(name)
            .map_err(|error| format!("product {name}: {error}"))?;
        self.done.push(structure);
        Ok(())
    }

    fn build(&self, name: &str) -> Result<GranuleStructure, TableError> {
        let product = Product::parse(name).map_err(|error| error.to_string())?;
        let schema = self.schema.ok_or("no schema stated")?;
        let draft = self.products.get(name).ok_or("not stated")?;
        let mut attributes = self.globals.clone();
        for (name, value) in &draft.globals {
            attributes.set(name.clone(), value.clone());
        }
        let mut root = GroupMeta {
            attributes,
            ..GroupMeta::default()
        };
        let mut swath_groups = vec![String::new()];
        let body = self.group(draft)?;
        if draft.groups.is_empty() {
            root.dimensions = body.dimensions;
            root.variables = body.variables;
        } else {
            swath_groups = draft.groups.iter().map(|(name, _)| name.clone()).collect();
            for (name, description) in &draft.groups {
                let attributes = Attributes::from_iter([("description", description.as_str())]);
                root.groups.push(GroupMeta {
                    name: name.clone(),
                    attributes,
                    ..body.clone()
                });
            }
        }
        let lines = |path: &String| {
            root.group(path)
                .and_then(|group| group.dimension_from("", "num_lines"))
        };
        let lines = swath_groups.first().and_then(lines).ok_or("no lines")?;
        let overridden = |name: &String| !draft.globals.iter().any(|(key, _)| key == name);
        let mut structure = GranuleStructure {
            product,
            schema,
            chunks: draft.chunks.clone(),
            root,
            swath_groups,
            fixed_lines: product.has_fixed_grid().then_some(lines),
            varying_attributes: self
                .varying
                .iter()
                .filter(|name| overridden(name))
                .cloned()
                .collect(),
        };
        structure.lay_chunks();
        Ok(structure)
    }

    /// The group that holds the variables of a product, without a name.
    fn group(&self, draft: &ProductDraft) -> Result<GroupMeta, TableError> {
        let names = &draft.variables;
        let variables: Vec<VariableMeta> = names
            .iter()
            .map(|name| self.variable(name))
            .collect::<Result<_, _>>()?;
        let mut written: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
        written.sort_unstable();
        if let Some(twice) = written.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("{} is there twice", twice[0]));
        }
        let used = |name: &String| {
            variables
                .iter()
                .any(|variable| variable.dimensions.contains(name))
        };
        let size = |(name, size): &(String, usize)| {
            let own = draft.dimensions.iter().find(|(known, _)| known == name);
            Dimension {
                name: name.clone(),
                size: own.map_or(*size, |(_, size)| *size),
                unlimited: false,
            }
        };
        let dimensions: Vec<Dimension> = self
            .dimensions
            .iter()
            .filter(|(name, _)| used(name))
            .map(size)
            .collect();
        for variable in &variables {
            let known = |name: &&String| !dimensions.iter().any(|dimension| dimension.name == **name);
            if let Some(missing) = variable.dimensions.iter().find(known) {
                return Err(format!("{} has an unknown dimension {missing}", variable.name));
            }
        }
        Ok(GroupMeta {
            dimensions,
            variables,
            ..GroupMeta::default()
        })
    }

    /// A variable with its attributes in the order of the files; its chunks are laid later.
    fn variable(&self, name: &str) -> Result<VariableMeta, TableError> {
        let draft = self
            .variables
            .get(name)
            .ok_or_else(|| format!("no variable {name:?}"))?;
        let mut attributes = Attributes::new();
        for key in self
            .order
            .iter()
            .filter(|key| !draft.last.contains(key))
            .chain(&draft.last)
        {
            if let Some(value) = draft.attributes.get(key) {
                attributes.set(key.clone(), value.clone());
            }
        }
        if let Some((key, _)) = draft
            .attributes
            .iter()
            .find(|(key, _)| attributes.get(key).is_none())
        {
            return Err(format!("{name}: the order does not say where {key} is written"));
        }
        let storage = Storage {
            chunks: None,
            shuffle: self.deflate.is_some(),
            deflate: self.deflate,
            fletcher32: false,
            big_endian: false,
            fill: FillMode::Fill,
        };
        let dimensions = draft.dimensions.clone();
        let name = name.rsplit('/').next().unwrap_or(name);
        Ok(VariableMeta {
            name: name.to_owned(),
            dtype: draft.dtype,
            dimensions,
            attributes,
            storage,
        })
    }
}
