using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class LabelSetTests
{
    [Fact]
    public void Inferred_labels_do_not_depend_on_the_order_of_the_rows()
    {
        Assert.Equal(["B", "a", "b"], LabelSet.Infer(Rows("b", "a", "B", "a")));
        Assert.Equal(["-1", "2", "10"], LabelSet.Infer(Rows("10", "2", "-1")));
        Assert.Equal(["10", "2", "x"], LabelSet.Infer(Rows("x", "10", "2")));
    }

    [Fact]
    public void Faulty_sets_are_refused()
    {
        Assert.Equal("A label set needs at least one label; found none. (Parameter 'labels')", Assert.Throws<ArgumentException>(() => new LabelSet([])).Message);
        Assert.Equal("Label 2 of 2 is empty. Give every label a name. (Parameter 'labels')", Assert.Throws<ArgumentException>(() => new LabelSet(["a", " "])).Message);
        Assert.Equal("Label 'a' occurs twice, as number 1 and 3. Remove one. (Parameter 'labels')", Assert.Throws<ArgumentException>(() => new LabelSet(["a", "b", "a"])).Message);
        Assert.Equal(
            "No row has a label, so the label set cannot be inferred. Map the label column ('columns.label') or give 'labels'. (Parameter 'examples')",
            Assert.Throws<ArgumentException>(() => LabelSet.Infer([new Example { Id = "1", Text = "x" }])).Message);
    }

    [Fact]
    public void Looking_up_an_unknown_label_offers_a_close_one()
    {
        var labels = new LabelSet(["book_flight", "cancel"]);
        Assert.Equal(1, labels.IndexOf("cancel"));
        Assert.Equal(
            "label 'cancle' is not in the label set [book_flight, cancel]. Did you mean 'cancel'? (Parameter 'label')",
            Assert.Throws<ArgumentException>(() => labels.IndexOf("cancle")).Message);
        Assert.False(labels.Contains(null));
    }

    [Fact]
    public void Probabilities_come_from_the_soft_label_or_the_hard_one()
    {
        var labels = new LabelSet(["a", "b", "c"]);
        var row = new Example { Id = "1", Text = "x", Label = "b" };
        Assert.Equal([0, 1, 0], labels.Probabilities(row));
        Assert.Equal([0.25, 0, 0.75], labels.Probabilities(row with { LabelProbabilities = new Dictionary<string, double> { ["c"] = 1.5, ["a"] = 0.5 } }));
        Assert.Throws<ArgumentException>(() => labels.Probabilities(row.WithoutLabel()));
        Assert.Throws<ArgumentException>(() => labels.Probabilities(row with { Label = "d" }));
        foreach (var bad in new[] { -0.1, double.NaN, double.PositiveInfinity, 0 })
            Assert.Throws<ArgumentException>(() => labels.Probabilities(row with { LabelProbabilities = new Dictionary<string, double> { ["c"] = bad } }));
    }

    [Fact]
    public void Sets_are_equal_when_names_and_order_are()
    {
        Assert.Equal(new LabelSet(["a", "b"]), new LabelSet(["a", "b"]));
        Assert.NotEqual(new LabelSet(["a", "b"]), new LabelSet(["b", "a"]));
        Assert.Equal(new LabelSet(["a", "b"]).GetHashCode(), new LabelSet(["a", "b"]).GetHashCode());
        Assert.EndsWith("19, ... 5 more]", new LabelSet(Enumerable.Range(0, 25).Select(i => $"{i}")).ToString(), StringComparison.Ordinal);
    }

    private static IEnumerable<Example> Rows(params string[] labels) => labels.Select((label, i) => new Example { Id = $"{i}", Text = "x", Label = label });
}
