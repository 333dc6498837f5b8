//! The command lines, which together use every right.

use crate::check::aws::NEW_TYPE;

/// A command line.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The command in the tables of the documentation.
    pub command: &'static str,
    /// The command and what makes the difference to others.
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    /// The exit code with all rights.
    pub code: i32,
    /// Whether the service account of aws-node has an association of EKS Pod Identity.
    pub has_association: bool,
    /// Whether the command creates a file or ENIConfigs.
    pub creates: bool,
}

impl Case {
    /// Returns the command without flags.
    pub fn subcommand(&self) -> &'static str {
        self.arguments[0]
    }
}

const fn case(
    command: &'static str,
    name: &'static str,
    arguments: &'static [&'static str],
) -> Case {
    Case { command, name, arguments, code: 0, has_association: false, creates: false }
}

pub const CASES: [Case; 12] = [
    case("capacity", "capacity", &["capacity"]),
    case("capacity", "capacity, new instance type", &["capacity", "--instance-type", NEW_TYPE]),
    case("check", "check", &["check"]),
    Case { has_association: true, ..case("check", "check, EKS Pod Identity", &["check"]) },
    case("configs", "configs", &["configs", "--subnet-tag", "tier=new"]),
    Case {
        creates: true,
        ..case(
            "configs --apply",
            "configs --apply",
            &["configs", "--subnet-tag", "tier=new", "--name-template", "new-{zone}", "--apply"],
        )
    },
    case(
        "configs --dry-run=server",
        "configs --dry-run=server",
        &[
            "configs",
            "--subnet-tag",
            "tier=new",
            "--name-template",
            "new-{zone}",
            "--dry-run=server",
        ],
    ),
    case("expressions", "expressions", &["expressions", "--for", "nodeadm"]),
    Case {
        creates: true,
        ..case(
            "limits refresh",
            "limits refresh",
            &["limits", "refresh", "--output", "instance-types.csv"],
        )
    },
    case(
        "max-pods --cni-from-cluster",
        "max-pods --cni-from-cluster",
        &["max-pods", NEW_TYPE, "--cni-from-cluster"],
    ),
    case("nodes", "nodes", &["nodes"]),
    case("nodes --verify-subnets", "nodes --verify-subnets", &["nodes", "--verify-subnets"]),
];
