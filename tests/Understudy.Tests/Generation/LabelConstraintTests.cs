using Understudy.Data;
using Understudy.Generation;
using Understudy.Tokenization;

namespace Understudy.Tests.Generation;

public sealed class LabelConstraintTests
{
    private const int Vocabulary = 300;

    [Fact]
    public void Only_tokens_of_labels_that_fit_so_far_may_follow()
    {
        var state = new LabelConstraint([[5, 6, 7], [5, 8], [9]]).Begin();
        Assert.Equal([5, 9], ConstraintWalks.Allowed(state, Vocabulary));
        Assert.Equal("Token 6 may not follow here. Pick one that Mask leaves.", Assert.Throws<InvalidOperationException>(() => state.Append(6)).Message);
        state.Append(5);
        Assert.Equal([6, 8], ConstraintWalks.Allowed(state, Vocabulary));
        var copy = state.Clone();
        state.Append(8);
        Assert.True(state.IsComplete);
        Assert.Empty(ConstraintWalks.Allowed(state, Vocabulary));
        Assert.False(copy.IsComplete);
        copy.Append(6);
        Assert.Equal([7], ConstraintWalks.Allowed(copy, Vocabulary));
    }

    [Fact]
    public void A_label_that_begins_another_is_told_apart_by_its_end()
    {
        var constraint = new LabelConstraint([[5], [5, 6]], [2, 3]);
        var state = constraint.Begin();
        Assert.Equal([5], ConstraintWalks.Allowed(state, Vocabulary));
        Assert.Throws<InvalidOperationException>(() => state.Append(2));
        state.Append(5);
        Assert.False(state.IsComplete);
        Assert.Equal([2, 3, 6], ConstraintWalks.Allowed(state, Vocabulary));
        var other = state.Clone();
        state.Append(3);
        Assert.True(state.IsComplete);
        Assert.Empty(ConstraintWalks.Allowed(state, Vocabulary));
        Assert.Throws<InvalidOperationException>(() => state.Append(2));
        other.Append(6);
        Assert.True(other.IsComplete);
        Assert.Equal([2, 3], ConstraintWalks.Allowed(other, Vocabulary));
        // Labels whose tokens include their end need nothing else.
        state = ConstraintWalks.Follow(new LabelConstraint([[5, 2], [5, 6, 2]]), [5, 2], Vocabulary);
        Assert.True(state.IsComplete);
    }

    [Fact]
    public void What_is_left_of_the_distribution_is_renormalised()
    {
        var random = new Random(1);
        var state = new LabelConstraint([[5, 6], [5], [250, 1], [0, 7]], [2]).Begin();
        foreach (var (token, allowed) in new[] { (5, new[] { 0, 5, 250 }), (6, [2, 6]) })
        {
            var logits = Enumerable.Range(0, Vocabulary).Select(_ => (float)((random.NextDouble() * 12) - 6)).ToArray();
            var mass = allowed.Sum(id => Math.Exp(logits[id]));
            var masked = logits.ToArray();
            state.Mask(masked);
            var probabilities = new float[Vocabulary];
            new Sampler([], doSample: true).Probabilities(masked, new RowTokens([], 0), probabilities);
            for (var id = 0; id < Vocabulary; id++) Assert.Equal(allowed.Contains(id) ? Math.Exp(logits[id]) / mass : 0, probabilities[id], 1e-6);
            state.Append(token);
        }
    }

    [Fact]
    public void Sets_of_tokens_that_make_no_sense_are_refused()
    {
        Assert.Equal("Expected at least one label, found none. (Parameter 'labels')", Fault(() => new LabelConstraint([])));
        Assert.Equal("Label 1 has no tokens. Give it a text. (Parameter 'labels')", Fault(() => new LabelConstraint([[1], []])));
        Assert.Equal("Labels 0 and 2 have the same tokens. Give one of them another text. (Parameter 'labels')", Fault(() => new LabelConstraint([[1, 2], [3], [1, 2]])));
        Assert.Equal("Expected token ids of at least 0, found a negative one. (Parameter 'labels')", Fault(() => new LabelConstraint([[1, -2]])));
        Assert.Equal(
            "Label 1 begins another label, and there is no token to end it with. Give end-of-text tokens, or end every label with one. (Parameter 'labels')",
            Fault(() => new LabelConstraint([[1, 2], [1]])));
    }

    [Theory]
    [InlineData("neox-style")]
    [InlineData("roberta-style")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("t5-style")]
    [InlineData("wordpiece-cased")]
    public void A_label_is_written_in_any_tokens_and_read_back(string name)
    {
        var tokenizer = Tokenizer.FromFolder(Path.Combine("Fixtures", "tokenizers", name));
        string[] labels = ["the time", "the", "other", "a name of it"];
        var task = new ClassificationTask(new TaskOptions(), new LabelSet(labels));
        var end = tokenizer.SpecialTokens.All[0].Id!.Value;
        var constraint = LabelTextConstraint.ForTask(task, tokenizer, [end]);
        foreach (var label in labels)
        {
            var state = ConstraintWalks.Follow(constraint, tokenizer.EncodePlain(label), tokenizer.VocabularySize);
            Assert.Contains(end, ConstraintWalks.Allowed(state, tokenizer.VocabularySize));
            Assert.Equal(label != "the", state.IsComplete);
        }

        var seen = new HashSet<string>();
        for (var seed = 0; seed < 60; seed++)
        {
            var tokens = ConstraintWalks.Random(constraint, tokenizer.VocabularySize, seed)!;
            var text = tokenizer.Decode([.. tokens]);
            Assert.NotNull(task.ParseLabel(text));
            seen.Add(text.TrimStart());
        }

        Assert.Equal(labels.Order(), seen.Order());
    }

    [Fact]
    public void The_marker_of_a_task_ends_its_labels()
    {
        var tokenizer = Tokenizer.FromFolder(Path.Combine("Fixtures", "tokenizers", "neox-style"));
        var task = new ClassificationTask(new TaskOptions { EndMarker = "\n", LabelWords = new Dictionary<string, string> { ["b"] = "a b" } }, new LabelSet(["a", "b"]));
        var constraint = LabelTextConstraint.ForTask(task, tokenizer);
        foreach (var (label, text) in new[] { ("a", " a\n"), ("b", "a b\n") })
        {
            var state = ConstraintWalks.Follow(constraint, tokenizer.EncodePlain(text), tokenizer.VocabularySize);
            Assert.True(state.IsComplete);
            Assert.Equal(label, task.ParseLabel(text));
        }
    }

    [Fact]
    public void Labels_of_any_characters_are_cut_anywhere()
    {
        var tokenizer = ByteVocabulary.WithAllBytes([[.. " \"é"u8], [0xF0, 0x9F], [0x98, 0x80, .. "x"u8]]);
        var constraint = new LabelTextConstraint(tokenizer, ["\"ét\u00e8\"", " 😀x ", "😁"]);
        var state = constraint.Begin();
        Assert.Equal([' ', '"', 0xF0, 256, 257], ConstraintWalks.Allowed(state, 260));
        state.Append(257);
        Assert.Equal([0x98, 258], ConstraintWalks.Allowed(state, 260));
        state.Append(258);
        Assert.True(state.IsComplete);
    }

    [Fact]
    public void Sets_of_texts_that_make_no_sense_are_refused()
    {
        var tokenizer = ByteVocabulary.Of([.. "abc "u8.ToArray().Select(value => new[] { value })]);
        Assert.Equal("Expected at least one label, found none. (Parameter 'labels')", Fault(() => new LabelTextConstraint(tokenizer, [])));
        Assert.Equal("Label 1 is blank. Give it a text. (Parameter 'labels')", Fault(() => new LabelTextConstraint(tokenizer, ["a", " \n"])));
        Assert.Equal("The label 'a' comes twice. Remove one. (Parameter 'labels')", Fault(() => new LabelTextConstraint(tokenizer, ["a", "b", " a"])));
        Assert.Equal(
            "The label 'ab' begins the label 'ab c', and there is no token to end it with. Give end-of-text tokens. (Parameter 'labels')",
            Fault(() => new LabelTextConstraint(tokenizer, ["ab c", "aa", "ab"])));
        Assert.Equal("The tokenizer has no tokens to write the label 'bad'. Give it other words. (Parameter 'labels')", Fault(() => new LabelTextConstraint(tokenizer, ["a", "bad"])));
    }

    private static string Fault(Func<object> action) => Assert.Throws<ArgumentException>(action).Message;
}
