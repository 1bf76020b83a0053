using System.Globalization;
using System.Text;
using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>Puts what was found and planned into YAML.</summary>
internal static class InitText
{
    private const int Width = 118;

    /// <summary>The run file.</summary>
    public static string Write(InitData data, InitPlan plan, InitOptions options)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(options.Output))!;
        var yaml = new StringBuilder();
        Comment(yaml, $"A run for {ShownText.Of(Path.GetFileName(options.File))}, written by understudy init. It runs as it is:");
        yaml.Append("#\n");
        yaml.Append($"#   understudy run {ShownText.Of(Path.GetFileName(options.Output), 80)[1..^1]}\n");
        yaml.Append("#\n");
        Comment(yaml, "What was found:");
        foreach (var finding in InitWords.Findings(data))
            Comment(yaml, finding, "- ");
        yaml.Append("#\n");
        Comment(yaml, "What to expect:");
        foreach (var expectation in InitWords.Expectations(data, plan))
            Comment(yaml, expectation, "- ");
        yaml.Append("#\n");
        Comment(yaml, "Sizes are chosen so that the run takes minutes on two processor cores. --set KEY=VALUE changes a value for once; docs/run-file.md describes every key.");
        yaml.Append(CultureInfo.InvariantCulture, $"name: {RunFileWriter.Text(NameOf(options.File))}\nseed: 1\n\n");
        Data(yaml, data, plan, folder);
        Task(yaml, data);
        Teacher(yaml, plan, data);
        Students(yaml, plan);
        return yaml.ToString();
    }

    private static void Data(StringBuilder yaml, InitData data, InitPlan plan, string folder)
    {
        yaml.Append("data:\n");
        yaml.Append($"  columns: {Columns(data.Map)}\n");
        yaml.Append($"  train: {Source(data.Train.Source, null, folder)}\n");
        if (data.Test is { } test)
            yaml.Append($"  test: {Source(test.Source, data.MapOf(test, data.Map.Text), folder)}\n");
        else
            yaml.Append(CultureInfo.InvariantCulture, $"  split: {{ test: {plan.TestShare:0.###} }}          # the share of the rows held out for the final figures\n");
        if (data.Unlabelled.Count > 0)
        {
            yaml.Append("  unlabelled:\n");
            foreach (var (table, text) in data.Unlabelled)
                yaml.Append($"    - {Source(table.Source, data.MapOf(table, text.Name), folder)}\n");
        }
        else if (data.Train.Rows >= 20 * data.Labels.Count)
        {
            Comment(yaml, "To see what the method does with fewer labels, keep a few as seeds and take the labels off the rest; then add a teacher and 'annotated' to 'arms':", "", "  ");
            yaml.Append("  # few_shot: { per_label: 10 }\n  # unlabelled_from_train: true\n");
        }
        yaml.Append('\n');
    }

    private static void Task(StringBuilder yaml, InitData data)
    {
        yaml.Append("task:                           # what the teacher reads and writes\n");
        yaml.Append(data.IsPair
            ? """
                prompt: "First: {text}\nSecond: {text_pair}\nLabel:"
                completion: " {label}"
                generation_prompt: "Label: {label}\nFirst:"
                generation_completion: " {text}\nSecond: {text_pair}"

              """
            : """
                prompt: "{text}\nLabel:"
                completion: " {label}"
                generation_prompt: "Label: {label}\nText:"
                generation_completion: " {text}"

              """);
        var labels = data.Label.Counts.Keys.Order(StringComparer.Ordinal).ToArray();
        // Two labels that would have the same words keep their own spelling.
        var alike = labels.GroupBy(Words).Where(group => group.Count() > 1).SelectMany(group => group).ToArray();
        if (alike.Length > 0)
        {
            yaml.Append("  label_words:\n");
            foreach (var label in alike)
                yaml.Append($"    {RunFileWriter.Quoted(label)}: {RunFileWriter.Text(label)}\n");
        }
        else
        {
            yaml.Append("  # label_words:                # words in place of a label's name, where that says little; for example\n");
            yaml.Append($"  #   {ShownText.Of(RunFileWriter.Quoted(labels[0]), 60)[1..^1]}: words for it\n");
        }
        yaml.Append('\n');
    }

    private static void Teacher(StringBuilder yaml, InitPlan plan, InitData data)
    {
        if (!plan.HasTeacher)
        {
            yaml.Append("# A teacher that exists: one that comes with Understudy (understudy models lists them) or a Hugging Face folder\n# with a decoder (GPT-NeoX, Pythia). Then 'arms' may be [seeds_only, annotated, generated, both].\n# teacher:\n#   model: box://neox-mini\n\n");
            return;
        }
        yaml.Append(CultureInfo.InvariantCulture, $$"""
            pretrain:                       # the teacher's language model, from random weights
              corpus: []                    # further text files, one text a line; the more, the better the teacher
              unlabelled_pool: true
              held_out: {{plan.HeldOut}}
              tokenizer: { vocabulary_size: {{plan.Vocabulary}}, lowercase: true }
              architecture: { family: gpt_neox, num_hidden_layers: 4, hidden_size: 192, num_attention_heads: 4, max_position_embeddings: {{plan.TeacherLength}}, dropout: 0.1 }
              training: { max_steps: {{plan.PretrainSteps}}, batch_size: 16, max_length: {{plan.PretrainLength}}, learning_rate: 2.0e-3, schedule: cosine, warmup_ratio: 0.05, weight_decay: 0.1, precision: bf16, group_by_length: false, keep_best: false }

            teacher:
              # model: box://neox-mini      # a teacher that exists, in place of 'pretrain': understudy models lists those that come along; or a folder
              tune: { {{Passes(plan.TuneEpochs, plan.TuneSteps)}}, batch_size: 8, learning_rate: 7.0e-4, warmup_ratio: 0.1, dropout: 0.2, precision: bf16, keep_best: false }

            annotate: { max_rows: {{plan.AnnotateRows}}, soft_labels: true }

            generate:                       # for the arms 'generated' and 'both'
              per_label: {{plan.GeneratePerLabel}}
              sampling: { temperature: 0.8, top_p: 0.95, max_new_tokens: {{Math.Min(128, plan.TeacherLength / 2)}}, stop_strings: {{(data.IsPair || data.Columns.Text.Column.HasLineBreaks ? "[]" : "[\"\\n\"]")}} }


            """);
    }

    private static void Students(StringBuilder yaml, InitPlan plan)
    {
        yaml.Append(CultureInfo.InvariantCulture, $$"""
            students:
              - name: student
                # model: box://roberta-mini   # in place of 'architecture' and 'tokenizer'; or a Hugging Face folder with an encoder
                architecture: { family: roberta, num_hidden_layers: 2, hidden_size: 128, num_attention_heads: 4, max_position_embeddings: {{plan.StudentLength}}, dropout: 0.1 }
                tokenizer: { vocabulary_size: {{plan.Vocabulary}}, lowercase: true }
                training: { {{Passes(plan.StudentEpochs, plan.StudentSteps)}}, batch_size: 16, learning_rate: 1.0e-3, warmup_ratio: 0.1, keep_best: false }

            """);
        if (plan.HasTeacher)
            yaml.Append($"    synthetic_training: {{ {Passes(plan.SyntheticEpochs, plan.SyntheticSteps)}, batch_size: 32, learning_rate: 1.0e-3, warmup_ratio: 0.1, keep_best: false }}\n");
        yaml.Append('\n');
        yaml.Append(plan.HasTeacher
            ? "arms: [seeds_only, annotated]   # also: generated, both; a teacher from random weights seldom writes texts that help\n"
            : "arms: [seeds_only]              # with a teacher also: annotated, generated, both\n");
        yaml.Append("repeats: 1                      # 3 or more show how much a training's luck matters\n");
    }

    private static string Passes(int epochs, int? steps) => steps is { } most ? $"max_steps: {most}" : $"epochs: {epochs}";

    private static string Source(DataSourceOptions source, ColumnMap? columns, string folder)
    {
        var text = new StringBuilder($"{{ path: {RunFileWriter.Text(Path.GetRelativePath(folder, Path.GetFullPath(source.Path)))}");
        if (source.Format != DataFormat.Auto)
            text.Append($", format: {OptionSchema.KeyOf(source.Format.ToString())}");
        if (source.Delimiter is { } delimiter)
            text.Append($", delimiter: {RunFileWriter.Quoted(delimiter)}");
        if (columns is not null)
            text.Append($", columns: {Columns(columns)}");
        return text.Append(" }").ToString();
    }

    private static string Columns(ColumnMap map)
    {
        var keys = new (string Key, string? Column)[] { ("id", map.Id), ("text", map.Text), ("text_pair", map.TextPair), ("label", map.Label) };
        return $"{{ {string.Join(", ", keys.Where(key => key.Column is not null).Select(key => $"{key.Key}: {RunFileWriter.Text(key.Column!)}"))} }}";
    }

    private static string Words(string label) => label.Replace('_', ' ').Trim();

    // The file's name without its extensions, in the characters that a folder's name may have.
    private static string NameOf(string path)
    {
        var name = Path.GetFileName(path).Split('.', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";
        var plain = string.Concat(name.Take(60).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' ? c : '-')).Trim('-');
        return plain.Length == 0 ? "run" : plain;
    }

    private static void Comment(StringBuilder yaml, string text, string mark = "", string indent = "")
    {
        var start = $"{indent}# {mark}";
        var line = new StringBuilder(start);
        foreach (var word in text.Split(' '))
        {
            if (line.Length > start.Length && line.Length + 1 + word.Length > Width)
            {
                yaml.Append(line).Append('\n');
                line.Clear().Append(indent).Append("# ").Append(' ', mark.Length);
                start = line.ToString();
            }
            line.Append(line.Length > start.Length ? " " : "").Append(word);
        }
        yaml.Append(line.ToString().TrimEnd()).Append('\n');
    }
}
