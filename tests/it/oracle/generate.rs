//! Operations at random: valid by construction nearly always, and the few that are not are left out by the validator.

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::validation::Valid;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// One operation with its variables.
pub(super) struct Generated {
    pub document: String,
    pub variables: Value,
}

struct Generator<'s> {
    schema: &'s Schema,
    random: ChaCha8Rng,
    names: usize,
    fields: usize,
    fragments: String,
    fragment_count: usize,
    declarations: String,
    variables: Map<String, Value>,
    /// Entry fields around: they are bounded in nesting.
    nested: usize,
}

/// Generates an operation from a seed.
pub(super) fn generate(schema: &Valid<Schema>, seed: u64) -> Generated {
    let mut generator = Generator {
        schema,
        random: ChaCha8Rng::seed_from_u64(seed),
        names: 0,
        fields: 16,
        fragments: String::new(),
        fragment_count: 0,
        declarations: String::new(),
        variables: Map::new(),
        nested: 0,
    };
    let mutation = generator.one_in(4);
    let mut body = String::new();
    generator.set(if mutation { "Mutation" } else { "QueryRoot" }, 7, &mut body);
    let context = if generator.one_in(2) { generator.context() } else { String::new() };
    let name = if generator.one_in(2) { " Op" } else { "" };
    let declared =
        if generator.declarations.is_empty() { String::new() } else { format!("({})", generator.declarations) };
    let kind = if mutation { "mutation" } else { "query" };
    Generated {
        document: format!("{kind}{name}{declared}{context} {body}\n{}", generator.fragments),
        variables: Value::Object(generator.variables),
    }
}

impl Generator<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n.max(1))
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn context(&mut self) -> String {
        if self.one_in(2) {
            return " @inContext(country: DE)".to_owned();
        }
        self.declarations.push_str("$country: CountryCode = US ");
        if self.one_in(2) {
            self.variables.insert("country".to_owned(), json!("DE"));
        }
        " @inContext(country: $country)".to_owned()
    }

    fn condition(&mut self) -> String {
        match self.below(12) {
            0 => " @include(if: true)".to_owned(),
            1 => " @skip(if: false)".to_owned(),
            2 => " @skip(if: true)".to_owned(),
            n @ 3..=4 => {
                let name = self.variable("Boolean!", json!(n == 3));
                let directive = if self.one_in(2) { "include" } else { "skip" };
                format!(" @{directive}(if: ${name})")
            }
            _ => String::new(),
        }
    }

    fn variable(&mut self, ty: &str, value: Value) -> String {
        let name = format!("v{}", self.variables.len() + self.declarations.len());
        write!(self.declarations, "${name}: {ty} ").unwrap();
        self.variables.insert(name.clone(), value);
        name
    }

    fn set(&mut self, ty: &str, depth: usize, out: &mut String) {
        out.push_str("{ ");
        let fields: Vec<FieldDefinition> = match &self.schema.types[ty] {
            ExtendedType::Object(object) => object.fields.values().map(|f| (***f).clone()).collect(),
            ExtendedType::Interface(interface) => interface.fields.values().map(|f| (***f).clone()).collect(),
            _ => Vec::new(),
        };
        let mut any = false;
        let count = 1 + self.below(4);
        let own: Vec<_> = fields.iter().filter(|field| field.name.starts_with("personalized")).cloned().collect();
        for n in 0..count {
            let favoured =
                ["nodes", "edges", "node", "product", "products", "cart", "collection", "items", "recommendations"];
            let likely: Vec<_> =
                fields.iter().filter(|field| favoured.contains(&field.name.as_str())).cloned().collect();
            let pick = |this: &mut Self, from: &[FieldDefinition]| {
                (!from.is_empty()).then(|| from[this.below(from.len())].clone())
            };
            let field = if n == 0 && !self.one_in(3) && !own.is_empty() {
                pick(self, &own)
            } else if self.one_in(2) && !likely.is_empty() {
                pick(self, &likely)
            } else {
                pick(self, &fields)
            };
            any |= field.is_some_and(|field| self.field(&field, depth, out));
        }
        any |= self.fragments(ty, depth, out);
        if !any || self.one_in(6) {
            let condition = if any { self.condition() } else { String::new() };
            write!(out, "__typename{condition} ").unwrap();
        }
        out.push_str("} ");
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize, out: &mut String) -> bool {
        let inner = field.ty.inner_named_type().to_string();
        let leaf = self.schema.types[inner.as_str()].is_leaf();
        let entry = field.name.starts_with("personalized");
        if !leaf && (depth == 0 || self.fields == 0) || entry && self.nested >= 3 {
            return false;
        }
        let Some(arguments) = self.arguments(field) else { return false };
        if !leaf {
            self.fields -= 1;
        }
        self.names += 1;
        // Mostly a name of its own; now and then the field's, or one of few, so that fields merge and collide.
        match self.below(8) {
            0..=1 if arguments.is_empty() => write!(out, "{}", field.name).unwrap(),
            2 => write!(out, "x{}:{}", self.below(3), field.name).unwrap(),
            _ => write!(out, "a{}:{}", self.names, field.name).unwrap(),
        }
        if !arguments.is_empty() {
            write!(out, "({})", arguments.join(", ")).unwrap();
        }
        let condition = self.condition();
        write!(out, "{condition} ").unwrap();
        if !leaf {
            self.nested += usize::from(entry);
            self.set(&inner, depth - 1, out);
            self.nested -= usize::from(entry);
        }
        true
    }

    fn fragments(&mut self, ty: &str, depth: usize, out: &mut String) -> bool {
        let mut possible: Vec<String> = match &self.schema.types[ty] {
            ExtendedType::Union(union) => union.members.iter().map(|member| member.to_string()).collect(),
            ExtendedType::Interface(_) => {
                let mut objects: Vec<_> =
                    self.schema.implementers_map()[ty].objects.iter().map(|o| o.to_string()).collect();
                objects.sort();
                objects
            }
            _ => vec![ty.to_owned()],
        };
        let personal: Vec<_> = possible
            .iter()
            .filter(|name| ["Product", "Collection", "Cart"].contains(&name.as_str()))
            .cloned()
            .collect();
        if !personal.is_empty() && !self.one_in(3) {
            possible = personal;
        }
        let count =
            if matches!(&self.schema.types[ty], ExtendedType::Union(_)) { 2 } else { usize::from(self.one_in(3)) };
        if depth == 0 {
            return false;
        }
        for _ in 0..count {
            let on = possible[self.below(possible.len())].clone();
            let condition = self.condition();
            if self.one_in(2) {
                write!(out, "...on {on}{condition} ").unwrap();
                self.set(&on, depth - 1, out);
            } else {
                self.fragment_count += 1;
                let name = format!("F{}", self.fragment_count);
                write!(out, "...{name}{condition} ").unwrap();
                if self.one_in(4) {
                    // The same again, under other conditions.
                    let condition = self.condition();
                    write!(out, "...{name}{condition} ").unwrap();
                }
                let mut body = String::new();
                self.set(&on, depth - 1, &mut body);
                writeln!(self.fragments, "fragment {name} on {on} {body}").unwrap();
            }
        }
        count > 0
    }

    /// The arguments of a field; `None` where one cannot be made.
    fn arguments(&mut self, field: &FieldDefinition) -> Option<Vec<String>> {
        let mut arguments = Vec::new();
        for argument in &field.arguments {
            let paging = argument.name == "first" && field.ty.inner_named_type().ends_with("Connection");
            if !argument.is_required() && !paging && !self.one_in(3) {
                continue;
            }
            let value = self.value(&argument.ty, &argument.name, 3)?;
            let text = if self.one_in(3) && !matches!(&*argument.ty, Type::List(_) | Type::Named(_) if value.is_null())
            {
                format!("${}", self.variable(&argument.ty.to_string(), value))
            } else {
                literal(&value, &argument.ty, self.schema)
            };
            arguments.push(format!("{}: {text}", argument.name));
        }
        Some(arguments)
    }

    fn value(&mut self, ty: &Type, name: &str, depth: usize) -> Option<Value> {
        Some(match ty {
            Type::List(item) | Type::NonNullList(item) => {
                let count = 1 + self.below(2);
                Value::Array((0..count).map(|_| self.value(item, name, depth)).collect::<Option<_>>()?)
            }
            Type::Named(named) | Type::NonNullNamed(named) => match &self.schema.types[named.as_str()] {
                ExtendedType::Scalar(_) => match named.as_str() {
                    "Int" => json!(1 + self.below(4)),
                    "Float" => json!(1.5),
                    "Boolean" => json!(self.one_in(2)),
                    "ID" if name == "cartId" => json!(format!("gid://shopify/Cart/{}", self.below(50))),
                    "ID" => json!(format!("gid://shopify/Product/{}", self.below(1000))),
                    "PersonalizedDateTime" => json!("2026-01-01T00:00:00Z"),
                    _ => json!(format!("text \"{}\"", self.below(50))),
                },
                ExtendedType::Enum(values) => {
                    let names: Vec<_> = values.values.keys().map(|name| name.to_string()).collect();
                    json!(names[self.below(names.len())])
                }
                ExtendedType::InputObject(input) => {
                    if depth == 0 {
                        return None;
                    }
                    let input = input.clone();
                    let mut fields = Map::new();
                    for (name, field) in &input.fields {
                        if field.is_required() || self.one_in(6) && input.directives.is_empty() {
                            fields.insert(name.to_string(), self.value(&field.ty, name, depth - 1)?);
                        }
                    }
                    Value::Object(fields)
                }
                _ => return None,
            },
        })
    }
}

/// A value as GraphQL writes it.
fn literal(value: &Value, ty: &Type, schema: &Schema) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| literal(item, ty.item_type(), schema)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let input = schema.get_input_object(ty.inner_named_type()).unwrap();
            let members = members
                .iter()
                .map(|(name, value)| format!("{name}: {}", literal(value, &input.fields[name.as_str()].ty, schema)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if schema.get_enum(ty.inner_named_type()).is_some() => text.clone(),
        other => other.to_string(),
    }
}
