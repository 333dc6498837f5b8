//! Rules about the repository itself: module order, dependencies and documentation.

mod dependencies;
mod documentation;
mod module_order;
mod reference;
