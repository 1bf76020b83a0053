using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class DataSetsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SharedFact("data/slurp/train.jsonl.gz", "data/unlabelled/sgd_user_turns.txt.gz")]
    public void Slurp_gives_299_seeds_at_five_per_intent_and_a_pool_without_them()
    {
        var slurp = Path.Combine(SharedFactAttribute.Root, "data", "slurp");
        var options = new DataOptions
        {
            Train = new() { Path = Path.Combine(slurp, "train.jsonl.gz") },
            Validation = new() { Path = Path.Combine(slurp, "validation.jsonl.gz") },
            Test = new() { Path = Path.Combine(slurp, "test.jsonl.gz") },
            Columns = new() { Label = "intent" },
            FewShot = new() { PerLabel = 5 },
            UnlabelledFromTrain = true,
            Unlabelled = [new() { Path = Path.Combine(SharedFactAttribute.Root, "data", "unlabelled", "sgd_user_turns.txt.gz"), MaxRows = 1000 }],
        };
        var data = DataSets.Load(options, seed: 17);
        Assert.Equal(60, data.Labels.Count);
        Assert.Equal((299, 2033, 2974), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal("label 'cooking_query' has 4 row(s), fewer than the 5 asked for with 'per_label': all of them are used.", data.Notices[0]);
        Assert.InRange(data.Unlabelled.Count, 11_000, 11_514 - 299 + 1_000);
        Assert.All(data.Unlabelled, row => Assert.Null(row.Label));
        Assert.Empty(data.Unlabelled.Select(row => row.Text).Intersect(data.Train.Concat(data.Validation).Concat(data.Test).Select(row => row.Text)));
        Assert.Equal(data.Unlabelled.Count(row => !row.Id.StartsWith("sgd", StringComparison.Ordinal)), data.HiddenLabels.Count);
        Assert.Equal(data.Unlabelled, DataSets.Load(options, seed: 17).Unlabelled);
    }

    [SharedFact("data")]
    public void The_shared_classification_sets_are_read_whole()
    {
        (string File, ColumnMap Columns, int Rows, int Labels)[] sets =
        [
            ("slurp/train", new() { Label = "intent" }, 11_514, 60),
            ("rte/train", new() { Text = "premise", TextPair = "hypothesis" }, 2_490, 2),
            ("boolq/validation", new() { Text = "passage", TextPair = "question" }, 3_270, 2),
            ("multirc/validation", new() { Text = "paragraph", TextPair = "question", Fields = ["answer"] }, 4_848, 2),
            ("clinc150/train", new(), 15_100, 151),
            ("banking77/test", new(), 3_080, 77),
        ];
        foreach (var (file, columns, count, labels) in sets)
        {
            var rows = ExampleReader.Read(new() { Path = Path.Combine(SharedFactAttribute.Root, "data", file + ".jsonl.gz") }, labelled: true, columns).ToArray();
            Assert.Equal((file, count, labels), (file, rows.Length, LabelSet.Infer(rows).Count));
        }
    }

    [Fact]
    public void A_run_without_sampling_keeps_every_row_and_splits_when_asked()
    {
        File.WriteAllLines(folder["a.csv"], Enumerable.Range(0, 40).Select(i => $"text {i},{(i % 2 == 0 ? "yes" : "no")}").Prepend("text,label"));
        var whole = DataSets.Load(new DataOptions { Train = new() { Path = folder["a.csv"] } }, seed: 1);
        Assert.Equal((40, 0, 0, 0), (whole.Train.Count, whole.Validation.Count, whole.Test.Count, whole.Unlabelled.Count));
        Assert.Equal(["no", "yes"], whole.Labels);
        var split = DataSets.Load(new DataOptions { Train = new() { Path = folder["a.csv"] }, Split = new() { Validation = 0.1, Test = 0.25 } }, seed: 1);
        Assert.Equal((26, 4, 10), (split.Train.Count, split.Validation.Count, split.Test.Count));
    }

    [Fact]
    public void The_pool_leaves_out_repeated_texts_and_those_that_are_trained_or_evaluated_on()
    {
        File.WriteAllLines(folder["train.csv"], ["text,label", "one,yes", "two,no"]);
        File.WriteAllLines(folder["test.csv"], ["text,label", "three,yes"]);
        File.WriteAllLines(folder["pool.txt"], ["one", "three", "four", "five", "four"]);
        var data = DataSets.Load(new DataOptions
        {
            Train = new() { Path = folder["train.csv"] },
            Test = new() { Path = folder["test.csv"] },
            Unlabelled = [new() { Path = folder["pool.txt"] }],
        }, seed: 1);
        Assert.Equal(["four", "five"], data.Unlabelled.Select(row => row.Text));
        Assert.Equal(
            [
                "2 unlabelled row(s) were left out because a seed, validation or test row has the same text.",
                "1 unlabelled row(s) were left out because an earlier one has the same text.",
            ],
            data.Notices);
    }

    [Fact]
    public void Held_out_rows_that_are_among_the_seeds_are_counted()
    {
        File.WriteAllLines(folder["train.csv"], ["text,label", "one,yes", "two,no"]);
        File.WriteAllLines(folder["test.csv"], ["text,label", "two,no", "three,yes", "two,yes"]);
        File.WriteAllLines(folder["validation.csv"], ["text,label", "four,no"]);
        var data = DataSets.Load(new DataOptions { Train = new() { Path = folder["train.csv"] }, Validation = new() { Path = folder["validation.csv"] }, Test = new() { Path = folder["test.csv"] } }, seed: 1);
        Assert.Equal(["2 of 3 test row(s) have the same text as a seed, so the figures on them are better than on new texts. Remove these rows from one of the files."], data.Notices);
    }

    [Fact]
    public void A_test_label_that_train_does_not_have_is_reported_with_its_line()
    {
        File.WriteAllLines(folder["train.csv"], ["text,label", "one,yes", "two,no"]);
        File.WriteAllLines(folder["test.csv"], ["text,label", "three,yess"]);
        var options = new DataOptions { Train = new() { Path = folder["train.csv"] }, Test = new() { Path = folder["test.csv"] } };
        Assert.Equal(
            $"{folder["test.csv"]}(2): label 'yess' is not in the label set [no, yes]. Did you mean 'yes'? Add it to 'data.labels' or fix the row.",
            Assert.Throws<InvalidDataException>(() => DataSets.Load(options, 1)).Message);
    }

    [Fact]
    public void Equal_ids_in_two_pool_files_are_reported()
    {
        File.WriteAllLines(folder["train.csv"], ["text,label", "one,yes"]);
        File.WriteAllLines(folder["a.jsonl"], ["""{"id":1,"text":"x"}"""]);
        File.WriteAllLines(folder["b.jsonl"], ["""{"id":1,"text":"y"}"""]);
        var options = new DataOptions { Train = new() { Path = folder["train.csv"] }, Unlabelled = [new() { Path = folder["a.jsonl"] }, new() { Path = folder["b.jsonl"] }] };
        Assert.Equal(
            "id '1' occurs twice in the unlabelled pool, in different files. Give the rows ids that are unique across files with 'columns.id', or rename a file.",
            Assert.Throws<InvalidDataException>(() => DataSets.Load(options, 1)).Message);
    }

    [Fact]
    public void All_faults_of_the_section_are_reported_with_their_key_paths()
    {
        var options = new DataOptions
        {
            Train = new() { Path = "" },
            Validation = new() { Path = "v.csv", MaxLineMb = 2000 },
            Test = new() { Path = "t.csv" },
            Unlabelled = [new() { Path = "u.txt" }, new() { Path = "w.txt", MaxRows = 0 }],
            UnlabelledFromTrain = true,
            Columns = new() { TextPair = "text" },
            Labels = ["a", "", "a"],
            Split = new() { Test = 0.5, Validation = 0.1 },
        };
        Assert.Equal(
            [
                "train.path: expected the path of a data file, found an empty string.",
                "validation.max_line_mb: expected a number from 1 to 1024, found 2000.",
                "unlabelled[1].max_rows: expected at least 1, found 0.",
                "columns.text_pair: the two texts cannot both be column 'text'.",
                "split.validation: 'validation' names the file v.csv already. Remove one of the two.",
                "split.test: 'test' names the file t.csv already. Remove one of the two.",
                "unlabelled_from_train: without 'few_shot' every train row is a seed and none is left for the pool. Set 'few_shot' or remove this key.",
                "labels[1]: expected the name of a label, found an empty string.",
                "labels[2]: label 'a' occurs twice. Remove one.",
            ],
            options.Validate().Select(fault => fault.ToString()));
    }
}
