using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Understudy.Data;

namespace Understudy.Runs;

/// <summary>What a run file may hold where a type of options stands: worked out once from the record itself.</summary>
internal sealed class OptionSchema
{
    private static readonly ConcurrentDictionary<Type, OptionSchema> Known = new();

    private readonly MethodInfo? validate;

    private OptionSchema(Type type)
    {
        Type = type;
        if (type.GetConstructor(Type.EmptyTypes) is null)
            throw new NotSupportedException($"The options record {type.Name} needs a constructor without parameters to stand in a run file.");
        var nullability = new NullabilityInfoContext();
        Options = [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.SetMethod is { IsPublic: true })
            .OrderBy(property => property.MetadataToken)
            .Select(property => new Option(property, nullability.Create(property)))];
        validate = type.GetMethod("Validate", BindingFlags.Public | BindingFlags.Instance, []);
    }

    public Type Type { get; }

    /// <summary>The keys, in the order in which the record declares them.</summary>
    public IReadOnlyList<Option> Options { get; }

    public static OptionSchema Of(Type record) => Known.GetOrAdd(record, static type => new OptionSchema(type));

    /// <summary>Whether <paramref name="type"/> is a section of its own rather than a value.</summary>
    public static bool IsSection(Type type) =>
        type.IsClass && type != typeof(string) && !type.IsArray && !IsList(type, out _) && !IsMap(type, out _);

    public static bool IsList(Type type, out Type element)
    {
        element = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : typeof(void);
        return element != typeof(void);
    }

    public static bool IsMap(Type type, out Type value)
    {
        value = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>)
            && type.GetGenericArguments()[0] == typeof(string) ? type.GetGenericArguments()[1] : typeof(void);
        return value != typeof(void);
    }

    /// <summary>The one naming policy of run files: <c>LearningRate</c> is <c>learning_rate</c>, <c>ConstantWithWarmup</c> is <c>constant_with_warmup</c>.</summary>
    public static string KeyOf(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>The faults that the record's own <c>Validate()</c> finds.</summary>
    public IEnumerable<OptionFault> Validate(object record) =>
        (IEnumerable<OptionFault>?)validate?.Invoke(record, null) ?? [];

    /// <summary>One key.</summary>
    internal sealed class Option
    {
        public Option(PropertyInfo property, NullabilityInfo nullability)
        {
            Property = property;
            Key = KeyOf(property.Name);
            Required = property.IsDefined(typeof(RequiredMemberAttribute));
            var path = property.GetCustomAttribute<InputPathAttribute>() is { } input ? input.OrModelName ? PathUse.ReadModel : input.Folder ? PathUse.ReadFolder : PathUse.ReadFile
                : property.IsDefined(typeof(OutputPathAttribute)) ? PathUse.Write : PathUse.None;
            Shape = new ValueShape(nullability, path);
            InFingerprint = path == PathUse.None && !property.IsDefined(typeof(NotInFingerprintAttribute));
        }

        public PropertyInfo Property { get; }

        public string Key { get; }

        public bool Required { get; }

        public bool InFingerprint { get; }

        public ValueShape Shape { get; }
    }
}
