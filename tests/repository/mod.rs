//! Rules about the repository itself: module order and documentation.

mod documentation;
mod module_order;
