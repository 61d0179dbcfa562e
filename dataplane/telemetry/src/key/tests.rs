use super::Key;

crate::keys! {
    /// Three names.
    enum Fruit in "fruit" {
        /// The first.
        Apple = "apples",
        /// The second.
        Pear = "pears",
        /// The last.
        Plum = "plums",
    }
}

#[test]
fn a_key_is_its_place_in_the_list() {
    for (index, key) in Fruit::ALL.iter().enumerate() {
        assert_eq!(key.index(), index);
    }
    assert_eq!(Fruit::ALL.map_names(), ["apples", "pears", "plums"]);
    assert_eq!(Fruit::GROUP, "fruit");
}

#[test]
fn slots_are_one_a_key() {
    assert_eq!(Fruit::slots(|index| index * 10), [0, 10, 20]);
}

trait MapNames {
    fn map_names(&self) -> Vec<&'static str>;
}

impl MapNames for [Fruit] {
    fn map_names(&self) -> Vec<&'static str> {
        self.iter().map(|key| key.name()).collect()
    }
}
