using System.Globalization;
using Understudy.Data;

namespace Understudy.Recipes;

/// <summary>Puts what was found and planned into words.</summary>
internal static class InitWords
{
    /// <summary>What was found in the data and why it was taken so.</summary>
    public static IReadOnlyList<string> Findings(InitData data)
    {
        var (text, pair, label) = (data.Columns.Text, data.Columns.TextPair, data.Label);
        var counts = data.Labels.Select(one => one.Value).ToArray();
        var each = counts[0] == counts[^1] ? $"{counts[0]:N0} rows each" : $"{counts[^1]:N0} to {counts[0]:N0} rows each";
        var findings = new List<string>
        {
            Text($"text: column {ShownText.Of(text.Column.Name)}, {text.Why}; {data.Train.Rows:N0} rows, {text.Column.Counts.Count:N0} different, {text.Column.Words / (double)text.Column.Values:N0} words on average"),
        };
        if (pair is not null)
            findings.Add(Text($"second text: column {ShownText.Of(pair.Column.Name)}, {pair.Why}; {pair.Column.Counts.Count:N0} different"));
        findings.Add(Text($"label: column {ShownText.Of(label.Name)}, {data.Columns.Label.Why}; {data.Labels.Count:N0} labels, {each}: {Some(data.Labels.Select(one => $"{ShownText.Of(one.Key)} {one.Value:N0}"))}"));
        findings.Add(data.Columns.Id is { } id ? $"id: column {ShownText.Of(id.Name)}" : "id: none; a row is called by its file and line");
        if (data.Labels.Where(one => one.Value < 5).Select(one => ShownText.Of(one.Key)).ToArray() is { Length: > 0 } rare)
            findings.Add(Text($"{rare.Length:N0} of the labels have fewer than 5 rows, which is little to learn from and less to test on: {Some(rare)}"));
        if (data.Labels.GroupBy(one => one.Key, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twins)
            findings.Add($"labels that differ in capitals alone are different labels: {string.Join(" and ", twins.Select(one => ShownText.Of(one.Key)))}");
        if (data.Test is { } test)
            findings.Add(Text($"test: {test.Rows:N0} rows"));
        foreach (var (table, column) in data.Unlabelled)
            findings.Add(Text($"unlabelled: {ShownText.Of(Path.GetFileName(table.Source.Path))}, {column.Counts.Count:N0} different texts, {column.Words:N0} words{(column.Name == data.Map.Text || table.Columns.Count == 1 ? "" : $", in column {ShownText.Of(column.Name)}")}"));
        return findings;
    }

    /// <summary>What may be expected of the run.</summary>
    public static IReadOnlyList<string> Expectations(InitData data, InitPlan plan)
    {
        var said = new List<string>();
        if (data.Test is null)
            said.Add(Text($"No test file was named, so {plan.TestRows:N0} of the {data.Train.Rows:N0} labelled rows are held out for the final figures and {plan.TrainRows:N0} are left to learn from."));
        // At half of the rows right, where the interval is widest.
        said.Add(Text($"On {plan.TestRows:N0} test rows an accuracy is known to within about {98 / Math.Sqrt(plan.TestRows):0} points: smaller differences between arms say nothing."));
        if (plan.PoolTexts == 0)
            said.Add("There is no unlabelled text, so nothing for a teacher to learn the language from and nothing to annotate: the students are trained on the labelled rows alone (the arm seeds_only). With text of the same kind (--unlabelled FILE), or with a teacher that exists (teacher.model), the other arms make sense.");
        else if (!plan.HasTeacher)
            said.Add(Text($"{plan.PoolTexts:N0} texts with {plan.PoolWords:N0} words are too few to train a teacher on, so the students are trained on the labelled rows alone (the arm seeds_only). Give more text with --unlabelled, or name a teacher that exists in teacher.model."));
        else if (plan.PoolWords < 200_000)
            said.Add(Text($"The teacher is made from random weights and reads {plan.PoolWords:N0} words in its life, which is very little: expect it to label hardly better than the student trained on the labelled rows alone, and the arm annotated to gain a few points at best. A hundred times as much text, or a teacher that exists (teacher.model), changes that."));
        else
            said.Add(Text($"The teacher is made from random weights and {plan.PoolWords:N0} words. It is small: a checkpoint that exists (teacher.model) labels better where one is at hand."));
        if (plan.CutAtWords is { } words)
            said.Add(Text($"Texts of more than about {words:N0} words are cut, so that the run stays short. Raise max_position_embeddings and max_length for all of them."));
        if (data.Labels.All(one => long.TryParse(one.Key, out _)))
            said.Add("The labels are numbers, which tell a teacher nothing: give it words for them in task.label_words.");
        return said;
    }

    private static string Some(IEnumerable<string> all)
    {
        var shown = all.Take(11).ToArray();
        return string.Join(", ", shown.Take(10)) + (shown.Length > 10 ? ", ..." : "");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
