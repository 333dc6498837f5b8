//! Terraform configuration.

use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};
use hcl::{Body, Template, Value};
use regex_lite::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::str::FromStr as _;

/// The cluster that `data.aws_eks_cluster` reads.
const CLUSTER: &str = r#"{
    "name": "my-cluster",
    "endpoint": "https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com",
    "certificate_authority": [{ "data": "Y2VydGlmaWNhdGVBdXRob3JpdHk=" }],
    "kubernetes_network_config": [{ "service_ipv4_cidr": "10.100.0.0/16" }]
}"#;

/// Parses HCL.
pub fn check(text: &str) -> Result<(), String> {
    hcl::parse(text).map(drop).map_err(|error| error.to_string())
}

/// The `.tf` files of a folder.
pub struct Module<'a> {
    folder: &'a Path,
    text: String,
    body: Body,
}

impl<'a> Module<'a> {
    /// Reads the `.tf` files of a folder.
    pub fn read(folder: &'a Path) -> Result<Self, String> {
        let mut text = String::new();
        let mut paths: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|it| it == "tf"));
        paths.sort();
        for path in paths {
            let file = fs::read_to_string(&path).unwrap();
            check(&file).map_err(|error| format!("{}: {error}", path.display()))?;
            text += &file;
        }
        let body = hcl::parse(&text).map_err(|error| error.to_string())?;
        Ok(Self { folder, text, body })
    }

    /// Returns the references to variables, data sources, resources and locals that the module does not declare,
    /// and the variables that it does not use.
    pub fn wrong_references(&self) -> Vec<String> {
        let mut declared = BTreeSet::new();
        for block in self.body.blocks() {
            let labels = block.labels().iter().map(hcl::BlockLabel::as_str).collect::<Vec<_>>();
            match block.identifier() {
                "variable" => declared.insert(format!("var.{}", labels[0])),
                "data" => declared.insert(format!("data.{}", labels.join("."))),
                "resource" => declared.insert(labels.join(".")),
                "locals" => {
                    let names = block.body().attributes().map(|it| format!("local.{}", it.key()));
                    declared.extend(names);
                    true
                }
                other => declared.insert(other.to_owned()),
            };
        }
        let pattern = r"\b(var\.\w+|local\.\w+|data\.\w+\.\w+|aws_\w+\.\w+)";
        let code = Regex::new(r"(?m)#.*$").unwrap().replace_all(&self.text, "");
        let pattern = Regex::new(pattern).unwrap();
        let used = pattern.find_iter(&code).filter(|it| !code[..it.start()].ends_with('.'));
        let used: BTreeSet<_> = used.map(|it| it.as_str().to_owned()).collect();
        let unused = declared.difference(&used).filter(|it| it.starts_with("var."));
        let unknown = used.difference(&declared).map(|it| format!("{it} is not declared"));
        unknown.chain(unused.map(|it| format!("{it} is not used"))).collect()
    }

    /// Returns the decoded user data of each launch template, with example values of the variables.
    pub fn user_data(&self) -> Result<Vec<String>, String> {
        let context = self.context()?;
        let templates = self.body.blocks().filter(|block| {
            block.labels().first().is_some_and(|it| it.as_str() == "aws_launch_template")
        });
        let user_data = templates.map(|block| {
            let attribute = block.body().attributes().find(|it| it.key() == "user_data");
            let attribute = attribute.ok_or("a launch template without user_data")?;
            let value = attribute.expr().evaluate(&context).map_err(|error| error.to_string())?;
            let encoded = value.as_str().and_then(|it| it.strip_prefix("base64:"));
            encoded.map(str::to_owned).ok_or_else(|| "user_data is not encoded in base64".into())
        });
        user_data.collect()
    }

    /// Returns example values of variables, the cluster, and the locals, and the functions in use.
    fn context(&self) -> Result<Context<'_>, String> {
        let object = |pairs: Vec<(&str, Value)>| -> Value { pairs.into_iter().collect() };
        let mut context = Context::new();
        let folder = Value::from(self.folder.display().to_string());
        context.declare_var("path", object(vec![("module", folder)]));
        let variables = self.body.blocks().filter(|block| block.identifier() == "variable");
        let variables = variables.map(|block| (block.labels()[0].as_str(), Value::from("example")));
        context.declare_var("var", object(variables.collect()));
        let cluster: Value = serde_json::from_str(CLUSTER).unwrap();
        let cluster = object(vec![("this", cluster)]);
        context.declare_var("data", object(vec![("aws_eks_cluster", cluster)]));
        let text = [ParamType::String];
        context.declare_func("base64encode", FuncDef::new(marked_as_base64, text.clone()));
        let file = [ParamType::String, ParamType::Any];
        context.declare_func("templatefile", FuncDef::new(template_file, file));
        let mut locals = Vec::new();
        for block in self.body.blocks().filter(|block| block.identifier() == "locals") {
            for local in block.body().attributes() {
                let value = local.expr().evaluate(&context).map_err(|error| error.to_string())?;
                locals.push((local.key(), value));
            }
        }
        context.declare_var("local", object(locals));
        Ok(context)
    }
}

/// Marks a text instead of encoding it.
#[expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the type of the functions of hcl"
)]
fn marked_as_base64(arguments: FuncArgs) -> Result<Value, String> {
    let text = arguments[0].as_str().unwrap_or_default();
    Ok(format!("base64:{text}").into())
}

/// Reads and evaluates a template file as Terraform does. A variable in the file that the call does not pass is an
/// error, and so is a variable that the file does not use.
#[expect(clippy::needless_pass_by_value, reason = "the type of the functions of hcl")]
fn template_file(arguments: FuncArgs) -> Result<Value, String> {
    let (Some(path), Some(variables)) = (arguments[0].as_str(), arguments[1].as_object()) else {
        return Err("the arguments are not a path and an object".into());
    };
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut context = Context::new();
    for (name, value) in variables {
        if !text.contains(&format!("${{{name}}}")) {
            return Err(format!("{path} does not use {name}"));
        }
        context.declare_var(name.as_str(), value.clone());
    }
    let template = Template::from_str(&text).map_err(|error| error.to_string())?;
    template.evaluate(&context).map(Value::from).map_err(|error| error.to_string())
}

#[test]
fn references_templates_and_user_data_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let module = |text: &str| {
        std::io::Write::write_all(
            &mut fs::File::create(folder.path().join("main.tf")).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
        let module = Module::read(folder.path())?;
        Ok::<_, String>((module.wrong_references(), module.user_data()))
    };
    let template = r#"
variable "a" {}
locals { b = templatefile("${path.module}/main.tf", { c = var.a }) }
resource "aws_launch_template" "d" { user_data = base64encode(local.b) } # ${c} local.e
"#;
    let (wrong, user_data) = module(template).unwrap();
    assert_eq!(wrong, Vec::<String>::new());
    // The template is this file, whose variable `path` is not in the arguments.
    let other_variable = "error calling function `templatefile`: undefined variable `path` in ";
    assert_eq!(user_data.unwrap_err().split("expression").next(), Some(other_variable));
    let (wrong, user_data) = module(&template.replace("local.b", "local.c")).unwrap();
    assert_eq!(wrong, ["local.c is not declared"]);
    assert_eq!(user_data.unwrap_err().split("expression").next(), Some(other_variable));
    let (wrong, user_data) = module(
        "variable \"a\" {}\nresource \"aws_launch_template\" \"d\" {\n user_data = \"x\"\n}\n",
    )
    .unwrap();
    assert_eq!(wrong, ["var.a is not used"]);
    assert_eq!(user_data.unwrap_err(), "user_data is not encoded in base64");
    assert!(module("a = ").is_err());
}
