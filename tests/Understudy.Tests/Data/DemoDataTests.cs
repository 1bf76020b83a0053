using Understudy.Data;
using Understudy.Synthesis;

namespace Understudy.Tests.Data;

public sealed class DemoDataTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "samples", "demo");
    private static readonly ColumnMap Columns = new() { Label = "intent" };

    private static Example[] Labelled(string name) => [.. ExampleReader.Read(new() { Path = Path.Combine(Folder, name) }, labelled: true, Columns)];

    private static Example[] Pool() => [.. TextLines.Read(Path.Combine(Folder, "unlabelled.txt")).Select((text, line) => new Example { Id = $"line {line + 1}", Text = text })];

    [Fact]
    public void Seeds_and_test_have_the_same_twelve_intents_in_equal_parts()
    {
        var (seeds, test) = (Labelled("seeds.jsonl"), Labelled("test.jsonl"));
        Assert.Equal((120, 600), (seeds.Length, test.Length));
        Assert.Equal(12, LabelSet.Infer(seeds).Count);
        Assert.Equal(LabelSet.Infer(seeds), LabelSet.Infer(test));
        Assert.All(seeds.CountBy(row => row.Label!), intent => Assert.Equal(10, intent.Value));
        Assert.All(test.CountBy(row => row.Label!), intent => Assert.Equal(50, intent.Value));
        Assert.Equal(720, seeds.Concat(test).Select(row => row.Id).Distinct().Count());
    }

    [Fact]
    public void There_are_1500_unlabelled_sentences_and_more()
    {
        Assert.InRange(Pool().Length, 1500, int.MaxValue);
    }

    [Fact]
    public void Sentences_have_1_to_20_words()
    {
        var all = Labelled("seeds.jsonl").Concat(Labelled("test.jsonl")).Concat(Pool());
        Assert.All(all, row => Assert.InRange(row.Text.Split(' ').Length, 1, 20));
    }

    [Fact]
    public void No_test_sentence_overlaps_with_a_seed_or_an_unlabelled_sentence()
    {
        var heldOut = new HeldOutTexts([], Labelled("test.jsonl"), new FilterOptions().ContaminationNgram);
        var rest = Labelled("seeds.jsonl").Concat(Pool());
        Assert.Empty(rest.Select(row => heldOut.Overlap(row) is { } overlap ? $"{row.Text}: {overlap}" : null).OfType<string>());
    }

    [Fact]
    public void No_two_sentences_are_nearly_the_same_in_one_file_or_in_two()
    {
        var index = new NearDuplicates(0.6);
        Assert.All(Labelled("seeds.jsonl").Concat(Labelled("test.jsonl")).Concat(Pool()), row =>
        {
            Assert.Null(index.Find(row));
            index.Add(row, row.Text);
        });
    }

    [Fact]
    public void The_read_me_states_the_counts_and_names_every_intent()
    {
        var text = File.ReadAllText(Path.Combine(Folder, "README.md"));
        Assert.Contains($"| `seeds.jsonl` | {Labelled("seeds.jsonl").Length} |", text, StringComparison.Ordinal);
        Assert.Contains($"| `test.jsonl` | {Labelled("test.jsonl").Length} |", text, StringComparison.Ordinal);
        Assert.Contains($"| `unlabelled.txt` | {Pool().Length} |", text, StringComparison.Ordinal);
        Assert.All(LabelSet.Infer(Labelled("seeds.jsonl")), intent => Assert.Contains($"| `{intent}` |", text, StringComparison.Ordinal));
    }
}
