//! From an introspection result to the text of a schema.
//!
//! The result comes from outside: names are checked to be names, so that none carries more than a name into the text.
//! Source: GraphQL specification, October 2021, sections 3 and 4.

use serde::Deserialize;
use std::fmt::Write;

/// `__Schema`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    description: Option<String>,
    query_type: Named,
    mutation_type: Option<Named>,
    subscription_type: Option<Named>,
    types: Vec<Type>,
    directives: Vec<Directive>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: String,
    name: String,
    description: Option<String>,
    #[serde(rename = "specifiedByURL")]
    specified_by_url: Option<String>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Input>>,
    interfaces: Option<Vec<Named>>,
    enum_values: Option<Vec<EnumValue>>,
    possible_types: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    description: Option<String>,
    args: Vec<Input>,
    r#type: TypeRef,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    description: Option<String>,
    r#type: TypeRef,
    default_value: Option<String>,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Deserialize)]
struct EnumValue {
    name: String,
    description: Option<String>,
    #[serde(flatten)]
    deprecation: Deprecation,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Deprecation {
    is_deprecated: bool,
    deprecation_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Directive {
    name: String,
    description: Option<String>,
    #[serde(default)]
    is_repeatable: bool,
    locations: Vec<String>,
    args: Vec<Input>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<TypeRef>>,
}

/// Directives and scalars that every schema has without saying so.
const BUILT_IN: [&str; 10] =
    ["skip", "include", "deprecated", "specifiedBy", "oneOf", "String", "Int", "Float", "Boolean", "ID"];

type Written = Result<(), String>;

/// Writes the schema. Errors: what is not as the specification says, in words.
pub(super) fn write(schema: &Schema) -> Result<String, String> {
    let mut out = String::new();
    describe(&mut out, "", schema.description.as_deref());
    out.push_str("schema {\n");
    let roots = [
        ("query", Some(&schema.query_type)),
        ("mutation", schema.mutation_type.as_ref()),
        ("subscription", schema.subscription_type.as_ref()),
    ];
    for (operation, root) in roots {
        if let Some(root) = root {
            push(&mut out, format_args!("  {operation}: {}\n", name(&root.name)?));
        }
    }
    out.push_str("}\n");
    for directive in schema.directives.iter().filter(|directive| !BUILT_IN.contains(&directive.name.as_str())) {
        write_directive(&mut out, directive)?;
    }
    let own = |ty: &&Type| !ty.name.starts_with("__") && !BUILT_IN.contains(&ty.name.as_str());
    for ty in schema.types.iter().filter(own) {
        write_type(&mut out, ty)?;
    }
    Ok(out)
}

fn write_directive(out: &mut String, directive: &Directive) -> Written {
    out.push('\n');
    describe(out, "", directive.description.as_deref());
    push(out, format_args!("directive @{}", name(&directive.name)?));
    write_arguments(out, &directive.args)?;
    out.push_str(if directive.is_repeatable { " repeatable on " } else { " on " });
    out.push_str(&names(directive.locations.iter().map(String::as_str), " | ")?);
    out.push('\n');
    Ok(())
}

fn write_type(out: &mut String, ty: &Type) -> Written {
    out.push('\n');
    describe(out, "", ty.description.as_deref());
    let keyword = match ty.kind.as_str() {
        "OBJECT" => "type",
        "INTERFACE" => "interface",
        "UNION" => "union",
        "ENUM" => "enum",
        "INPUT_OBJECT" => "input",
        "SCALAR" => "scalar",
        other => return Err(format!("{} is of the unknown kind {other:.40}", ty.name)),
    };
    push(out, format_args!("{keyword} {}", name(&ty.name)?));
    match keyword {
        "type" | "interface" => {
            let interfaces = ty.interfaces.as_deref().unwrap_or_default();
            if !interfaces.is_empty() {
                let list = names(interfaces.iter().map(|one| one.name.as_str()), " & ")?;
                push(out, format_args!(" implements {list}"));
            }
            block(out, ty.fields.as_deref().unwrap_or_default(), write_field)
        }
        "union" => {
            let members = ty.possible_types.as_deref().unwrap_or_default();
            let list = names(members.iter().map(|one| one.name.as_str()), " | ")?;
            push(out, format_args!(" = {list}\n"));
            Ok(())
        }
        "enum" => block(out, ty.enum_values.as_deref().unwrap_or_default(), |out, value| {
            describe(out, "  ", value.description.as_deref());
            push(out, format_args!("  {}", name(&value.name)?));
            deprecate(out, &value.deprecation);
            Ok(())
        }),
        "input" => block(out, ty.input_fields.as_deref().unwrap_or_default(), |out, field| {
            describe(out, "  ", field.description.as_deref());
            out.push_str("  ");
            write_input(out, field)
        }),
        _ => {
            if let Some(url) = &ty.specified_by_url {
                push(out, format_args!(" @specifiedBy(url: {})", quoted(url)));
            }
            out.push('\n');
            Ok(())
        }
    }
}

fn block<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T) -> Written) -> Written {
    if items.is_empty() {
        out.push('\n');
        return Ok(());
    }
    out.push_str(" {\n");
    for item in items {
        write(out, item)?;
        out.push('\n');
    }
    out.push_str("}\n");
    Ok(())
}

fn write_field(out: &mut String, field: &Field) -> Written {
    describe(out, "  ", field.description.as_deref());
    push(out, format_args!("  {}", name(&field.name)?));
    write_arguments(out, &field.args)?;
    push(out, format_args!(": {}", type_ref(&field.r#type)?));
    deprecate(out, &field.deprecation);
    Ok(())
}

fn write_arguments(out: &mut String, arguments: &[Input]) -> Written {
    if arguments.is_empty() {
        return Ok(());
    }
    if arguments.iter().all(|argument| argument.description.is_none()) {
        out.push('(');
        for (index, argument) in arguments.iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            write_input(out, argument)?;
        }
    } else {
        out.push_str("(\n");
        for argument in arguments {
            describe(out, "    ", argument.description.as_deref());
            out.push_str("    ");
            write_input(out, argument)?;
            out.push('\n');
        }
        out.push_str("  ");
    }
    out.push(')');
    Ok(())
}

fn write_input(out: &mut String, input: &Input) -> Written {
    push(out, format_args!("{}: {}", name(&input.name)?, type_ref(&input.r#type)?));
    if let Some(value) = &input.default_value {
        // GraphQL text already; the compiler checks it with the rest.
        push(out, format_args!(" = {value}"));
    }
    deprecate(out, &input.deprecation);
    Ok(())
}

fn deprecate(out: &mut String, deprecation: &Deprecation) {
    if deprecation.is_deprecated {
        let reason = deprecation.deprecation_reason.as_deref().unwrap_or("No longer supported");
        push(out, format_args!(" @deprecated(reason: {})", quoted(reason)));
    }
}

/// Depth is bounded by the JSON parser's own limit.
fn type_ref(ty: &TypeRef) -> Result<String, String> {
    match (ty.kind.as_str(), &ty.of_type, &ty.name) {
        ("NON_NULL", Some(inner), _) => Ok(format!("{}!", type_ref(inner)?)),
        ("LIST", Some(inner), _) => Ok(format!("[{}]", type_ref(inner)?)),
        (_, None, Some(text)) => Ok(name(text)?.to_owned()),
        _ => Err("a type reference ends without a type".into()),
    }
}

fn name(text: &str) -> Result<&str, String> {
    let mut bytes = text.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if begins && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(text)
    } else {
        Err(format!("{text:.40?} is no name"))
    }
}

fn names<'a>(list: impl Iterator<Item = &'a str>, between: &str) -> Result<String, String> {
    Ok(list.map(name).collect::<Result<Vec<_>, _>>()?.join(between))
}

/// A description: over several lines where that reads back the same, else as one quoted string.
fn describe(out: &mut String, indent: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    if reads_back_as_block(text) {
        push(out, format_args!("{indent}\"\"\"\n"));
        for line in text.lines() {
            let indent = if line.is_empty() { "" } else { indent };
            push(out, format_args!("{indent}{}\n", line.replace("\"\"\"", "\\\"\"\"")));
        }
        push(out, format_args!("{indent}\"\"\"\n"));
    } else {
        push(out, format_args!("{indent}{}\n", quoted(text)));
    }
}

/// Reading a block string drops blank lines at its ends and the indentation that all lines share.
fn reads_back_as_block(text: &str) -> bool {
    let blank = |line: &str| line.trim().is_empty();
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    let mut lines = text.split('\n');
    text.contains('\n')
        && text.chars().all(plain)
        && !text.split('\n').next().is_some_and(blank)
        && !text.split('\n').next_back().is_some_and(blank)
        && lines.clone().all(|line| line.is_empty() || !blank(line))
        && lines.any(|line| line.starts_with(|c: char| !c.is_whitespace()))
}

/// JSON's escapes are GraphQL's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    if out.write_fmt(text).is_err() {
        debug_assert!(false, "a string took no text");
    }
}
