using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class PretrainingTextTests
{
    [Fact]
    public void No_document_is_both_held_out_and_trained_on()
    {
        using var folder = new TemporaryFolder();
        // Every document twice in a file, once more in another, and once as it is spoken.
        var documents = ToyText.Documents(300, 3).Distinct().ToArray();
        File.WriteAllLines(folder["a.txt"], documents.Concat(documents));
        File.WriteAllLines(folder["b.txt"], documents.Take(50).Concat(documents.Select(SpokenText.Of)));
        var (heldOut, train) = Documents(new PretrainOptions { Corpus = [new() { Path = folder["a.txt"] }, new() { Path = folder["b.txt"] }], UnlabelledPool = false, HeldOut = 0.2, SpokenShare = 0.9 });
        Assert.Equal((int)(2 * documents.Length * 0.2), heldOut.Count);
        Assert.Equal(2 * documents.Length, heldOut.Count + train.Count);
        Assert.Empty(heldOut.Intersect(train));
        Assert.Equal(heldOut.Count, heldOut.Distinct().Count());
    }

    [Fact]
    public void Repeats_above_and_below_one_are_right_on_average()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "half", "once", "more" }) File.WriteAllLines(folder[name], Enumerable.Range(0, 2000).Select(i => $"{name} {i}"));
        var (heldOut, train) = Documents(new PretrainOptions
        {
            Corpus = [new() { Path = folder["half"], Repeats = 0.5 }, new() { Path = folder["once"] }, new() { Path = folder["more"], Repeats = 2.25 }], UnlabelledPool = false, HeldOut = 0.1,
        });
        int Trained(string name) => train.Count(text => text.StartsWith(name, StringComparison.Ordinal));
        int Left(string name) => 2000 - heldOut.Count(text => text.StartsWith(name, StringComparison.Ordinal));
        Assert.Equal(Left("once"), Trained("once"));
        Assert.InRange(Trained("half") / (double)Left("half"), 0.46, 0.54);
        Assert.InRange(Trained("more") / (double)Left("more"), 2.2, 2.3);
        Assert.All(train.CountBy(text => text), pair => Assert.InRange(pair.Value, 1, 3));
        // The repeats of a document do not stand beside each other.
        Assert.InRange(train.Zip(train.Skip(1)).Count(pair => pair.First == pair.Second), 0, 10);
    }

    [Fact]
    public void A_share_is_spoken_in_training_and_nothing_of_what_is_held_out()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["a"], Enumerable.Range(0, 2000).Select(i => $"Number {i}, please."));
        var options = new PretrainOptions { Corpus = [new() { Path = folder["a"] }], UnlabelledPool = false, HeldOut = 0.1, SpokenShare = 0.25 };
        var (heldOut, train) = Documents(options);
        Assert.All(heldOut, text => Assert.EndsWith("please.", text, StringComparison.Ordinal));
        Assert.InRange(train.Count(text => text.EndsWith("please", StringComparison.Ordinal)) / 1800.0, 0.21, 0.29);
        Assert.Equal(train, Documents(options).Train);
    }

    [Fact]
    public void The_text_of_JSON_Lines_is_that_of_its_column()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["a.jsonl"], ["""{"passage": "first\r\nline", "id": 1}""", """{"passage": "second", "id": 2}"""]);
        Assert.Equal(["first line", "second"], new CorpusOptions { Path = folder["a.jsonl"], Column = "passage" }.Read());
        var error = Assert.Throws<InvalidDataException>(() => new CorpusOptions { Path = folder["a.jsonl"], Column = "id" }.Read().ToList());
        Assert.Equal($"{folder["a.jsonl"]}, line 1: expected a text under 'id', found none. Name the field that holds the text in 'pretrain.corpus[].column'.", error.Message);
        Assert.Equal(["column"], new CorpusOptions { Path = folder["a.jsonl"] }.Validate().Select(fault => fault.KeyPath));
        Assert.Empty(new CorpusOptions { Path = folder["a.txt"] }.Validate());
    }

    [Fact]
    public void A_special_token_that_a_text_spells_out_does_not_end_it()
    {
        var tokenizer = ToyText.TokenizerOf(ArchitectureFamily.GptNeox);
        string[] documents = ["A page about <|endoftext|> and <mask>.", "The cat sees <pad>."];
        var packed = ToyText.In(context => PretrainingText.Encode(tokenizer, documents, null, 4, context));
        var pieces = packed.Pieces([.. Enumerable.Range(0, packed.Rows)], 4);
        Assert.Equal(3, packed.Count - documents.Sum(document => tokenizer.EncodePlain(document).Length));
        Assert.DoesNotContain(Tokenizers.Id(tokenizer, Tokenizers.Mask), pieces.SelectMany(piece => piece));
    }

    [Fact]
    public void Too_little_text_is_refused_with_what_to_do()
    {
        using var folder = new TemporaryFolder();
        var options = new PretrainOptions { Corpus = [] };
        Assert.Equal("There is no text to pre-train on. Name text files in 'pretrain.corpus', or give rows in 'data.unlabelled'.", Assert.Throws<InvalidDataException>(() => Documents(options)).Message);
        File.WriteAllLines(folder["a"], ["one two three", "Four."]);
        File.WriteAllLines(folder["test.jsonl"], ["""["one two three", "four"]"""]);
        options = options with { Corpus = [new() { Path = folder["a"] }], Decontaminate = new() { Files = [folder["test.jsonl"]] } };
        Assert.Equal($"All 2 documents to pre-train on overlap with texts to measure on, so none is left; '{folder["removed.jsonl"]}' says why for each. Give other text in 'pretrain.corpus', or set a larger 'pretrain.decontaminate.ngram'.",
            Assert.Throws<InvalidDataException>(() => Documents(options, folder["removed.jsonl"])).Message);
    }

    private static (List<string> HeldOut, List<string> Train) Documents(PretrainOptions options, string? removed = null) =>
        ToyText.In(context => PretrainingText.Documents(options, null, new SeededRandom(5), removed, context));
}
